"""Terms of a source, which requests state besides its name: who pays, and the key that encrypts its objects."""

import base64
import hashlib
from dataclasses import dataclass, field

from service.domain.errors import InvalidRequest

CUSTOMER_KEY_BYTES = 32
"""AES-256, the only algorithm of SSE-C."""


@dataclass(frozen=True, kw_only=True)
class SourceTerms:
    requester_pays: bool = False
    """Whether the requester pays for requests and data transfer, instead of the bucket's owner."""
    customer_key: str | None = field(default=None, repr=False)
    """The key of SSE-C, base64: the store does not keep it, so each request brings it."""

    @property
    def key_md5(self) -> str:
        """Return the key's MD5, base64, which S3 wants beside it."""
        digest = hashlib.md5(base64.b64decode(self.customer_key or ""), usedforsecurity=False).digest()
        return base64.b64encode(digest).decode()


NO_TERMS = SourceTerms()


def check_customer_key(text: str) -> str:
    """Return the key. Raises `InvalidRequest` unless it is base64 of `CUSTOMER_KEY_BYTES` bytes."""
    try:
        size = len(base64.b64decode(text, validate=True))
    except ValueError:
        size = -1
    if size != CUSTOMER_KEY_BYTES:
        raise InvalidRequest(f"customer_key: it must be base64 of {CUSTOMER_KEY_BYTES} bytes")
    return text
