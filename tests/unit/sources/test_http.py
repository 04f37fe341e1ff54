from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from service.domain.errors import (
    AccessDenied,
    CredentialsRejected,
    ObjectError,
    ObjectMissing,
    ObjectRejected,
    RateLimited,
    SourceChanged,
    SourceUnavailable,
)
from service.domain.uris import Location
from service.sources.http import Asked, retry_after, status_error

ASKED = Asked("read", Location("gs", "bucket", "key"))


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, ObjectRejected),
        (401, CredentialsRejected),
        (403, AccessDenied),
        (404, ObjectMissing),
        (408, SourceUnavailable),
        (410, ObjectMissing),
        (412, SourceChanged),
        (416, SourceChanged),
        (429, RateLimited),
        (500, SourceUnavailable),
        (503, SourceUnavailable),
    ],
)
def test_what_a_status_means(status: int, kind: type[ObjectError]) -> None:
    error = status_error(status, {}, ASKED)
    assert type(error) is kind
    assert error.message.startswith("cannot read gs://bucket/key: ")


def test_retry_after_is_seconds_or_a_date() -> None:
    assert retry_after({"Retry-After": "120"}) == 120
    later = retry_after({"Retry-After": format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)})
    assert later is not None
    assert 3500 < later <= 3600
    assert retry_after({"Retry-After": format_datetime(datetime.now(UTC) - timedelta(hours=1), usegmt=True)}) == 0
    assert retry_after({"Retry-After": "soon"}) is None
    assert retry_after({}) is None
    error = status_error(503, {"Retry-After": "9"}, ASKED)
    assert isinstance(error, RateLimited)
    assert error.retry_after == 9
