"""Faster forms of declared and of torch's own things; each equals its plain form, and nobody else knows how they work."""
