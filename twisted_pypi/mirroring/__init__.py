"""Bringing the projects of upstream indexes up to date."""
