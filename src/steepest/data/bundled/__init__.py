"""Data sets by name, one file each; none needs the network."""
