"""Faster forms of single update rules: rules/NAME.py belongs to optim/rules/NAME.py."""
