"""Doubles for our tests and for those of others who build on this."""
