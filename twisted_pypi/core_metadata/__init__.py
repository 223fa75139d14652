"""Core metadata: the bytes of METADATA or PKG-INFO out of an open archive, and what they say.

Follows the core metadata specification 1.0 to 2.6 (PEP 241, 314, 345, 566,
643, 685, 639, 794, 808) and the places given to it by the binary distribution
format (PEP 427) and the source distribution format (PEP 643).
"""

from twisted_pypi.core_metadata.archives import extract, has_readable_format, reads_to_the_end
from twisted_pypi.core_metadata.headers import CoreMetadata, parse

__all__ = ["CoreMetadata", "extract", "has_readable_format", "parse", "reads_to_the_end"]
