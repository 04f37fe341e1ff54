"""Sign S3 requests without a body by Signature Version 4 in headers ("Authenticating Requests", S3 API reference).

Botocore's signer takes 96 µs per request, a third of what a whole copy may cost (decision 60). A test compares both
signatures.
"""

import asyncio
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from botocore.credentials import Credentials, ReadOnlyCredentials

EMPTY_BODY = sha256(b"").hexdigest()
HEADER_ENCODING = "latin-1"
"""HTTP clients decode an answer's headers with it, so metadata is sent back as the original bytes."""
_ALGORITHM = "AWS4-HMAC-SHA256"


RENEWED_AHEAD_SECONDS = 16 * 60
"""Seconds before their end at which temporary keys are renewed in a thread. Botocore renews them from 15 minutes before
their end (`RefreshableCredentials`), so an earlier request to it never calls STS."""


@dataclass
class Signer:
    credentials: "Credentials"
    """Credentials. Those of assumed roles renew themselves when they are read."""
    region: str
    _signing_keys: dict[tuple[str, str], hmac.HMAC] = field(default_factory=dict, repr=False)
    """Begun HMACs with the signing key, by secret and date: deriving a key takes four HMACs."""
    _renewing: "asyncio.Future[ReadOnlyCredentials] | None" = field(default=None, repr=False)

    async def keys(self) -> "ReadOnlyCredentials":
        """Return the keys to sign with. STS is called in a thread, once for all waiting requests."""
        is_due = getattr(self.credentials, "refresh_needed", None)  # permanent keys have no such method
        if is_due is None or not is_due(RENEWED_AHEAD_SECONDS):
            return self.credentials.get_frozen_credentials()
        if self._renewing is None:
            self._renewing = asyncio.ensure_future(asyncio.to_thread(self.credentials.get_frozen_credentials))
            self._renewing.add_done_callback(self._renewed)
        return await asyncio.shield(self._renewing)

    def _renewed(self, _keys: "asyncio.Future[ReadOnlyCredentials]") -> None:
        self._renewing = None

    def sign(
        self, keys: "ReadOnlyCredentials", method: str, path: str, query: str, headers: Mapping[str, str]
    ) -> dict[str, str]:
        """Return `headers` (lower case, with `host`) and the signature's headers.

        `path` and `query` as sent: percent-encoded, query parameters sorted.
        """
        moment = _written(int(time.time()))
        date = moment[:8]
        signed = {**headers, "x-amz-content-sha256": EMPTY_BODY, "x-amz-date": moment}
        if keys.token:
            signed["x-amz-security-token"] = keys.token
        names = sorted(signed)
        lines = "".join([f"{name}:{' '.join(signed[name].split())}\n" for name in names])
        listed = ";".join(names)
        canonical = f"{method}\n{path}\n{query}\n{lines}\n{listed}\n{EMPTY_BODY}"
        scope = f"{date}/{self.region}/s3/aws4_request"
        to_sign = f"{_ALGORITHM}\n{moment}\n{scope}\n{sha256(canonical.encode(HEADER_ENCODING)).hexdigest()}"
        signature = self._signing_key(str(keys.secret_key), date).copy()
        signature.update(to_sign.encode())
        told = f"Credential={keys.access_key}/{scope}, SignedHeaders={listed}, Signature={signature.hexdigest()}"
        signed["authorization"] = f"{_ALGORITHM} {told}"
        return signed

    def _signing_key(self, secret: str, date: str) -> hmac.HMAC:
        known = self._signing_keys.get((secret, date))
        if known is None:
            key = f"AWS4{secret}".encode()
            for part in (date, self.region, "s3", "aws4_request"):
                key = hmac.digest(key, part.encode(), "sha256")
            self._signing_keys.clear()
            known = self._signing_keys[secret, date] = hmac.new(key, digestmod="sha256")
        return known


@lru_cache(maxsize=1)
def _written(second: int) -> str:
    """Format the time for a signature, in UTC. Cached, as some thousand requests share one second."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(second))
