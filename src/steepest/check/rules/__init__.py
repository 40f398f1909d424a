"""One file per mistake; its name begins with the code of the catalogue."""
