"""The headers of `SourceTerms`, in requests of the service's own client and of botocore."""

from typing import Any

from service.domain.source_terms import SourceTerms

_KEY = "server-side-encryption-customer"


def listing_headers(terms: SourceTerms) -> dict[str, str]:
    return {"x-amz-request-payer": "requester"} if terms.requester_pays else {}


def reading_headers(terms: SourceTerms) -> dict[str, str]:
    """For a GET or HEAD of an object."""
    return listing_headers(terms) | _key_headers(terms, "x-amz-")


def copying_headers(terms: SourceTerms) -> dict[str, str]:
    """For a copy: the key opens its source; the copy itself has the clips bucket's encryption."""
    return listing_headers(terms) | _key_headers(terms, "x-amz-copy-source-")


def payer_parameters(terms: SourceTerms) -> dict[str, Any]:
    """For botocore's requests that take no key: GetObjectTagging, ListObjectVersions and RestoreObject."""
    return {"RequestPayer": "requester"} if terms.requester_pays else {}


def _key_headers(terms: SourceTerms, begin: str) -> dict[str, str]:
    if terms.customer_key is None:
        return {}
    return {
        f"{begin}{_KEY}-algorithm": "AES256",
        f"{begin}{_KEY}-key": terms.customer_key,
        f"{begin}{_KEY}-key-md5": terms.key_md5,
    }
