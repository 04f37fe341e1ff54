"""Which access a URI gets: the one that was named, the closest saved one, the service's own, public, none."""

import itertools

import pytest

from service.domain.errors import CannotAccess, IntegrationMismatch, UnknownIntegration
from service.domain.projects import Integration, IntegrationState, IntegrationType
from service.domain.service_buckets import ServiceBuckets
from service.domain.uris import parse_prefix
from service.projects.integrations.rules import AccessRule, Unsaved, covers
from tests.builders import an_integration

GCS, HF, ROLE = IntegrationType.GCS, IntegrationType.HF_BUCKET, IntegrationType.S3_ROLE
OWN = {"own", "drop", "clips", "state"}
SERVICE = ServiceBuckets(drop="drop", clips="clips", state="state", default_project="default")


def access(uri: str, *saved: Integration, named: str | None = None) -> Integration | Unsaved:
    return AccessRule.of("team", saved, own=OWN, service=SERVICE).access_to(parse_prefix(uri), integration_id=named)


def test_the_longest_matching_prefix_wins_whatever_the_order() -> None:
    whole = an_integration("in_1")
    broad = an_integration("in_2", prefix="a/")
    narrow = an_integration("in_3", prefix="a/b/", type=ROLE)
    other = an_integration("in_4", bucket="other", prefix="a/b/c/")
    for saved in itertools.permutations([whole, broad, narrow, other]):
        assert access("s3://fleet/a/b/c.zip", *saved) is narrow
        assert access("s3://fleet/a/bb.zip", *saved) is broad
        assert access("s3://fleet/a", *saved) is whole
        assert access("s3://fleet/", *saved) is whole


def test_of_equal_prefixes_the_newest_wins() -> None:
    old = an_integration("in_9", created_at="2026-11-22T17:00:00.000Z")
    new = an_integration("in_1", created_at="2026-11-22T17:00:01.000Z", type=ROLE)
    assert access("s3://fleet/a", old, new) is new
    assert access("s3://fleet/a", new, old) is new
    assert access("s3://fleet/a", new, old, named="in_9") is old


def test_a_saved_one_comes_before_the_services_own_access() -> None:
    saved = an_integration(bucket="own", prefix="team/")
    assert access("s3://own/team/a.zip", saved) is saved
    assert access("s3://own/else/a.zip", saved) is Unsaved.OWN


def test_a_prefix_opens_nothing_beside_it() -> None:
    saved = an_integration(prefix="team/")
    for uri in ("s3://fleet/teams/a", "s3://fleet/team", "s3://fleet/", "s3://fleets/team/a", "gs://fleet/team/a"):
        assert not covers(saved, parse_prefix(uri))
        with pytest.raises(CannotAccess):
            access(uri, saved)
        with pytest.raises(IntegrationMismatch, match=r"in_1 \(s3\) reaches s3://fleet/team/… only"):
            access(uri, saved, named="in_1")


def test_one_bucket_name_of_several_providers() -> None:
    s3, gcs = an_integration("in_1"), an_integration("in_2", type=GCS)
    assert access("s3://fleet/a", s3, gcs) is s3
    assert access("gs://fleet/a", s3, gcs) is gcs
    with pytest.raises(IntegrationMismatch):
        access("gs://fleet/a", s3, gcs, named="in_1")


def test_hugging_face_is_public_where_nothing_is_saved() -> None:
    saved = an_integration(type=HF, bucket="maker/clips")
    assert access("hf://buckets/maker/clips/a", saved) is saved
    assert access("hf://buckets/maker/others/a", saved) is Unsaved.PUBLIC


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("s3://else/a", r"type s3 or s3_role\)$"),
        ("s3://else/a", "else is not among the deploy settings' source buckets"),
        ("gs://else/a", r"POST /v1/integrations, type gcs\)$"),
        ("gs://own/a", "no integration of this project covers it"),
    ],
)
def test_a_refusal_says_what_to_do(uri: str, words: str) -> None:
    with pytest.raises(CannotAccess, match=words) as caught:
        access(uri)
    assert caught.value.code == "CANNOT_ACCESS"


def test_an_unknown_id_is_refused_and_so_is_one_that_is_not_ready() -> None:
    for state in (IntegrationState.CREATING, IntegrationState.DELETING):
        saved = an_integration(state=state)
        with pytest.raises(UnknownIntegration, match="integration_id: there is no integration 'in_1'"):
            access("s3://fleet/a", saved, named="in_1")
        with pytest.raises(CannotAccess):
            access("s3://fleet/a", saved)
    assert UnknownIntegration.code == "UNKNOWN_INTEGRATION"
    assert IntegrationMismatch.code == "INTEGRATION_MISMATCH"
