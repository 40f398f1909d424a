"""Reading a program without running it: its syntax tree becomes facts."""
