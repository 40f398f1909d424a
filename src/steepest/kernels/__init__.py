"""Faster forms of what is declared here or in torch; each equals its plain form, and nobody else knows how it works."""
