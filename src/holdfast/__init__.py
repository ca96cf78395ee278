"""Holdfast: a principal site reliability engineer as software.

`flow.py` is the first file to open: one incident from alert to lessons, on one screen.
"""

__version__ = "0.1.0"
