"""Certificates of an authority that nobody else knows."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import trustme


class Authority:
    """One authority, and what it signs."""

    def __init__(self) -> None:
        self.ca = trustme.CA()

    def file(self, folder: Path) -> Path:
        """Write its own certificate, which clients are given."""
        path = folder / "authority.pem"
        self.ca.cert_pem.write_to_path(str(path))
        return path

    def issue(self, path: Path, *, name: str = "127.0.0.1", until: datetime | None = None) -> int:
        """Write a new certificate and its key into one file, and return its serial number."""
        made = self.ca.issue_cert(name, not_after=until)
        new = path.with_name(f"{path.name}.new")
        new.write_bytes(made.private_key_pem.bytes() + b"".join(each.bytes() for each in made.cert_chain_pems))
        new.rename(path)
        return serial_of(made.cert_chain_pems[0].bytes())


def serial_of(pem: bytes) -> int:
    """The serial number of a certificate."""
    from cryptography.x509 import load_pem_x509_certificate

    return load_pem_x509_certificate(pem).serial_number
