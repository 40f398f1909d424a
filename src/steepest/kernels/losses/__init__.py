"""Faster forms of declared losses: kernels/losses/NAME.py belongs to losses/NAME.py and is found by its place."""
