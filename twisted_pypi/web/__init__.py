"""HTTP in, HTTP out: the ``twisted.web`` resource tree."""
