"""What happens here, told to other servers: signed, tried again, and never waited for."""

from twisted_pypi.webhooks.hook import Hook
from twisted_pypi.webhooks.messages import Signer, read_secrets
from twisted_pypi.webhooks.posting import Posting
from twisted_pypi.webhooks.service import Webhooks

__all__ = ["Hook", "Posting", "Signer", "Webhooks", "read_secrets"]
