"""The charts of the report: each is a pure function from plain rows and a width in pixels to an altair chart."""
