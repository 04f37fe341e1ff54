"""Rules of webhooks: allowed URLs, signatures, meaning of answers, and delays between attempts.

Signed as Standard Webhooks says:
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hashlib
import hmac
import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from urllib.parse import SplitResult, urlsplit

from service.domain.errors import InvalidRequest

MAX_URL = 2_048
MAX_DELAY_SECONDS = 6 * 3600
"""Longest wait before another attempt, even if the receiver asks for more."""

SECRET_PREFIX = "whsec_"
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
"""All that the internet uses of IPv6 (IANA). NAT64 (`64:ff9b::/96`, `64:ff9b:1::/48`), `::a.b.c.d`, `::ffff:0:a.b.c.d`
and `fec0::/10` lie outside of it."""
_ISATAP = (0x00005EFE, 0x02005EFE)
"""The third quarter of an address that has an IPv4 address in the last one (RFC 5214)."""


class Verdict(Enum):
    DELIVERED = "delivered"
    AGAIN = "again"
    STOP = "stop"


def check_url(url: str, *, allow_private: bool) -> SplitResult:
    """Parse a webhook's URL. Raises `InvalidRequest` with the reason if it is not allowed.

    The addresses of its host are checked when the webhook is sent (`service.web`).
    """
    if len(url) > MAX_URL:
        raise InvalidRequest(f"webhook_url has {len(url):,} characters, the limit is {MAX_URL:,}")
    if not url.isascii() or any(character <= " " or character == "\x7f" for character in url):
        raise InvalidRequest("webhook_url must be ASCII without spaces: encode other characters (%…, xn--…)")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InvalidRequest(f"webhook_url is not a URL: {error}") from error
    schemes = ("https", "http") if allow_private else ("https",)
    if parts.scheme not in schemes:
        raise InvalidRequest(f"webhook_url must begin with {' or '.join(f'{scheme}://' for scheme in schemes)}")
    if "@" in parts.netloc:
        raise InvalidRequest("webhook_url must not hold a user name or a password")
    if not parts.hostname or port == 0:
        raise InvalidRequest("webhook_url names no host that can be reached")
    if parts.fragment:
        raise InvalidRequest("webhook_url must not have a fragment (#…): it is never sent")
    if not allow_private and _is_address(parts.hostname) and not is_public(parts.hostname):
        raise InvalidRequest("webhook_url names an address that is not public")
    return parts


def shown_url(url: str) -> str:
    """Return the URL without its query, which may hold a token."""
    return url.partition("?")[0]


def kept_url(given: str | None, stored: str | None) -> str | None:
    """Return the URL to store: the stored one, with its query, if `given` is what answers show of it."""
    return stored if stored and given == shown_url(stored) else given


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet. One that embeds an IPv4 address does not, however public
    that is, except a mapped one (`::ffff:a.b.c.d`), which is the IPv4 address itself.
    """
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped:
            return is_public(str(found.ipv4_mapped))
        embeds = found.sixtofour or found.teredo or (int(found) >> 32) & 0xFFFFFFFF in _ISATAP
        if embeds or found not in _GLOBAL_UNICAST:
            return False
    return found.is_global and not found.is_multicast


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def project_secret(master: str, project: str, number: int = 0) -> str:
    """The project's secret with this number, 0 being the first: `whsec_` and 32 bytes in base64."""
    # Names of projects have no spaces, so no two secrets are derived from the same text.
    name = f"webhooks of {project}" + (f" {number}" if number else "")
    derived = hmac.digest(master.encode(), name.encode(), hashlib.sha256)
    return SECRET_PREFIX + base64.b64encode(derived).decode()


def signed_headers(
    body: bytes, *, event_id: str, timestamp: int, secret: str, older: Sequence[str] = ()
) -> dict[str, str]:
    """Headers of a webhook, with one signature for `secret` and one for each of the `older` secrets.

    `timestamp` is the time of the attempt in seconds since 1970.
    """
    signed = b".".join((event_id.encode(), str(timestamp).encode(), body))
    signatures = [_signature(signed, one) for one in (secret, *older)]
    return {
        "Content-Type": "application/json",
        "User-Agent": "Clipferry",
        "webhook-id": event_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }


def _signature(signed: bytes, secret: str) -> str:
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def verdict(status: int) -> Verdict:
    """2xx: delivered. 408, 429 and 5xx: try again. Anything else, such as redirects and 410: stop."""
    if 200 <= status < 300:
        return Verdict.DELIVERED
    return Verdict.AGAIN if status in (408, 429) or status >= 500 else Verdict.STOP


def delay_seconds(attempts: int, *, first: int, retry_after: str | None, now: str, jitter: float) -> int:
    """Return the wait after `attempts` attempts: `first` seconds, tripled each time, plus or minus a fifth.

    `jitter` is from 0 to 1. A receiver's `Retry-After` can lengthen the wait, up to `MAX_DELAY_SECONDS`.
    """
    backoff = first * 3.0 ** (attempts - 1) * (0.8 + 0.4 * jitter)
    return round(min(MAX_DELAY_SECONDS, max(backoff, _asked_seconds(retry_after, now))))


def _asked_seconds(retry_after: str | None, now: str) -> float:
    """Return the seconds of a `Retry-After` header, which is a number or a date (RFC 9110); 0 for anything else."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.fromisoformat(now)).total_seconds())
