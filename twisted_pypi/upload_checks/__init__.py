"""What a strict index asks of an upload, beyond agreeing names and digests.

Every check raises ``BadFilename``, ``BadUpload`` or ``BadMetadata`` with one
sentence.  Follows what the public index asks (PEP 427, 491, 527, 625, 639 and
the packaging specifications made of them); where old clients and builders are
still about, it asks for less, and says so.
"""

from twisted_pypi.upload_checks.archives import check_archive
from twisted_pypi.upload_checks.fields import check_fields, check_version
from twisted_pypi.upload_checks.metadata import check_metadata
from twisted_pypi.upload_checks.releases import check_release, release_of

__all__ = ["check_archive", "check_fields", "check_metadata", "check_release", "check_version", "release_of"]
