"""The options of the commands, each said once: its values, its help, its completion."""
