"""Watching a program: torch's calls become a record that the rules read, whatever the names and the style of the program."""
