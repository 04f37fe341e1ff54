"""Map projects to API Gateway's own API keys, by which it limits the rate of each project's requests.

Callers never see these keys, and they open nothing: only the authorizer's answer can name one.
"""

import hashlib

RATE_KEYS = 32
"""API Gateway keys of a deployment. An account may have 10,000 in a region, a stack 500 resources, and each key takes
two. Two of ten projects share a key, and so its rate, in three of four deployments; each key is one more limit."""

ADMIN_KEY = 0
"""Number of the admin's key. Projects have the others."""


def rate_key(prefix: str, number: int) -> str:
    """The key's value: letters and digits, at least 20 (API Gateway), and unique in its account and region."""
    return f"{prefix}RateOfRequests{number:06d}"


def rate_key_of(prefix: str, project: str | None) -> str:
    """The key of a project's requests; None is the admin."""
    if project is None:
        return rate_key(prefix, ADMIN_KEY)
    digest = hashlib.blake2b(project.encode(), digest_size=8).digest()
    return rate_key(prefix, 1 + int.from_bytes(digest) % (RATE_KEYS - 1))
