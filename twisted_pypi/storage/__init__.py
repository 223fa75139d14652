"""The directory of packages: scanned, watched, read and written."""
