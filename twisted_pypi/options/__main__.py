"""Print the page about the options."""

import sys

from twisted_pypi.options.reference import page

sys.stdout.write(page())
