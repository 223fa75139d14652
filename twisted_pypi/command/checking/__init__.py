"""What ``twisted-pypi check`` looks for in an old volume, one module a matter."""
