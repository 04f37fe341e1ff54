from collections.abc import Collection

from service.aws.clients import PATIENT, Patience
from service.aws.s3.http.rate_limiter import InFlight
from service.aws.s3.session import own_session
from service.aws.s3.storage import S3Storage


def clips_storage(
    clips_bucket: str,
    *,
    connections: int,
    patience: Patience = PATIENT,
    in_flight: InFlight | None = None,
    requester_pays: Collection[str] = (),
) -> S3Storage:
    own = own_session(connections=connections, patience=patience, in_flight=in_flight)
    return S3Storage(own=own, clips_bucket=clips_bucket, requester_pays=requester_pays)
