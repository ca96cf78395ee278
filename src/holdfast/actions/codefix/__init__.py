"""Writes code fixes by transforming syntax trees, and declines where it is not sure."""
