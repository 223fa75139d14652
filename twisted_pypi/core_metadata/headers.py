"""What core metadata says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from twisted_pypi.errors import BadMetadata

_MOST_LINES = 100_000
_PLURALS = {
    "classifier": "classifiers",
    "project_url": "project_urls",
    "import_name": "import_names",
    "import_namespace": "import_namespaces",
}
"""Fields that may be given several times and whose name in the upload form is a plural."""


@dataclass(frozen=True, slots=True)
class CoreMetadata:
    """The core metadata of one distribution."""

    name: str
    """``Name``, as written."""
    version: str
    """``Version``, as written."""
    fields: Mapping[str, tuple[str, ...]] = field(repr=False)
    """Every field but ``Description``, named as in the upload form: ``requires_dist``, ``classifiers``."""
    description: str = field(repr=False)
    """``Description``, from its field or the body; empty when there is none."""

    def first(self, name: str) -> str | None:
        """The first value of a field; ``None`` when it is absent."""
        values = self.fields.get(name)
        return values[0] if values else None

    @property
    def metadata_version(self) -> str | None:
        """``Metadata-Version``."""
        return self.first("metadata_version")

    @property
    def requires_python(self) -> str | None:
        """``Requires-Python``, a version specifier."""
        return self.first("requires_python")

    @property
    def summary(self) -> str | None:
        """``Summary``, one line."""
        return self.first("summary")


def parse(raw: bytes) -> CoreMetadata:
    """Return what core metadata says.

    Text that is not UTF-8 is read as Latin-1, the value ``UNKNOWN`` counts as
    absent, and lines that are no header are passed over, as old files have
    them.  Raises ``BadMetadata`` when there is no ``Name`` or no ``Version``.
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    text = text.removeprefix("\ufeff")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    head, _, body = text.partition("\n\n")
    fields = _fields(head)
    description = "\n".join(fields.pop("description", ())) or body
    name, version = fields.get("name"), fields.get("version")
    if not name:
        raise BadMetadata("the core metadata has no Name")
    if not version:
        raise BadMetadata("the core metadata has no Version")
    kept = {key: tuple(values) for key, values in fields.items()}
    return CoreMetadata(name[0], version[0], kept, "" if description.strip() == "UNKNOWN" else _dedented(description))


def _fields(head: str) -> dict[str, list[str]]:
    if head.count("\n") > _MOST_LINES:
        raise BadMetadata(f"the core metadata has more than {_MOST_LINES} header lines")
    fields: dict[str, list[str]] = {}
    values: list[str] = []
    continued: list[str] = []
    for line in head.split("\n"):
        if line[:1] in {" ", "\t"}:
            continued.append(line)
            continue
        if continued:
            _continue(values, continued)
            continued = []
        key, colon, value = line.partition(":")
        if not colon:
            values = []
            continue
        key = key.strip().lower().replace("-", "_")
        values = fields.setdefault(_PLURALS.get(key, key), [])
        values.append(value.strip())
    if continued:
        _continue(values, continued)
    return {key: kept for key, values in fields.items() if (kept := [v for v in values if v and v != "UNKNOWN"])}


def _continue(values: list[str], continued: list[str]) -> None:
    if values:
        values[-1] = "\n".join([values[-1], *continued]).strip()


def _dedented(description: str) -> str:
    """The description without what a folded header puts in front of each line: eight blanks, or seven and a bar."""
    if "\n        " not in description and "\n       |" not in description:
        return description
    lines = description.split("\n")
    if all(line.startswith(("        ", "       |")) or not line.strip() for line in lines[1:]):
        return "\n".join([lines[0], *(line[8:] for line in lines[1:])])
    return description
