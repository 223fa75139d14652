"""What there is to tell of a recall, besides its line in the log."""

from __future__ import annotations

from twisted_pypi.boundaries.happenings import HappenedTo, Happening, HappeningKind
from twisted_pypi.distributions import parse_filename
from twisted_pypi.errors import BadFilename
from twisted_pypi.recalling.report import RecalledFile
from twisted_pypi.recalling.sentences import sentence


def happening_of(recalled: RecalledFile, moment: float, *, back: bool) -> Happening:
    """Return the happening for a file that was taken back, or (``back``) is not any more."""
    try:
        version = parse_filename(recalled.filename, recalled.project).version
    except BadFilename:
        version = None
    return Happening(
        kind=HappeningKind.RECALL_ENDED if back else HappeningKind.RECALL,
        moment=moment,
        project=recalled.project,
        version=version,
        files=(HappenedTo(recalled.filename, recalled.sha256),),
        reason=recalled.recall.reason,
        detail=sentence(recalled, back=back),
    )
