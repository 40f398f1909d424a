"""What each command is called, takes and says of itself; its work stands beside this folder."""
