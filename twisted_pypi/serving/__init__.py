"""Listening, dropping privileges, and ending in order."""
