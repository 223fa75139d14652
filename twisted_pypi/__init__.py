"""A private Python package index built on Twisted."""
