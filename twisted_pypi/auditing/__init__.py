"""The audit log: a line of JSON for each thing that somebody did, appended to a file."""

from twisted_pypi.auditing.audit_log import AuditLog
from twisted_pypi.auditing.files import AppendOnlyFile, append

__all__ = ["AppendOnlyFile", "AuditLog", "append"]
