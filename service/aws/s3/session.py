"""One identity at S3, with one default region."""

import os
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.aws.clients import PATIENT, Patience, own_choice, own_credentials, own_region, s3_client
from service.aws.s3.http.endpoints import s3_host
from service.aws.s3.http.rate_limiter import InFlight
from service.aws.s3.http.requests import Requests, S3Requests
from service.domain.source_terms import NO_TERMS, SourceTerms

if TYPE_CHECKING:
    from botocore.credentials import Credentials
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class S3Session:
    requests: Requests
    """For the frequent requests, for every clip or page of a listing."""
    client: "S3Client"
    """For all other requests. Most copy functions never use it, so it is not made there (`clients.s3_client`)."""


@dataclass(frozen=True)
class RoleSessions:
    """Sessions of one role, for server-side copies."""

    reads: S3Session
    """Sends requests to the source's region."""
    copies: S3Session
    """Sends requests to the clips bucket's region: a copy is a request to its destination."""
    terms: SourceTerms = NO_TERMS


@dataclass(frozen=True, kw_only=True)
class CopySessions:
    """Chooses the session for each request of a copy into the clips bucket."""

    own: S3Session
    """For requests to the clips bucket alone."""
    clips_bucket: str
    requester_pays: Collection[str] = ()
    """Buckets whose requester pays, of the deploy settings."""
    role: RoleSessions | None = None
    """Another account's role that reads the source and writes the copy; None: the service's own identity does both."""

    @property
    def sources(self) -> S3Session:
        return self.role.reads if self.role else self.own

    def terms_of(self, bucket: str) -> SourceTerms:
        """Return what requests to a source bucket must say."""
        if self.role:
            return self.role.terms
        return SourceTerms(requester_pays=True) if bucket in self.requester_pays else NO_TERMS

    @property
    def copies(self) -> S3Session:
        """For copies, which need access to source and destination at once. It uses the clips bucket's region."""
        return self.role.copies if self.role else self.own


def own_session(*, connections: int, patience: Patience = PATIENT, in_flight: InFlight | None = None) -> S3Session:
    """Return this process's session, for its region. Raises botocore's `NoCredentialsError`, `NoRegionError`."""
    region = own_region()
    requests = S3Requests.to(
        _endpoint(region),
        region,
        own_credentials(),
        patience=patience,
        in_flight=in_flight or InFlight(connections),
    )
    return S3Session(requests, s3_client(connections=connections, patience=patience))


def session_of(client: "S3Client", credentials: "Credentials", *, in_flight: InFlight) -> S3Session:
    """Return a session for a client's endpoint and region."""
    meta = client.meta
    requests = S3Requests.to(meta.endpoint_url, meta.region_name, credentials, patience=PATIENT, in_flight=in_flight)
    return S3Session(requests, client)


def _endpoint(region: str) -> str:
    """Return the endpoint that botocore takes from the environment; S3's own if it names none."""
    given = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    fips, dualstack = (own_choice(f"use_{kind}_endpoint") for kind in ("fips", "dualstack"))
    return given or f"https://{s3_host(region, fips=fips, dualstack=dualstack)}"
