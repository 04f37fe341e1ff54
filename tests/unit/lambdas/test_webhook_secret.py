"""`/v1/webhook-secret`: shown, and replaced with an overlap in which both secrets sign."""

import pytest

from service.domain.webhooks import project_secret, signed_headers
from tests.unit.lambdas.api import Api

SECRET = "/v1/webhook-secret"
ROTATE = "/v1/webhook-secret/rotate"


def sent(api: Api) -> tuple[bytes, dict[str, str]]:
    """(body, headers) of the webhook of a new import."""
    body = {"exact_paths": ["s3://source/a.zip"], "settings": {"notify": {"webhook_url": "https://example.com/hook"}}}
    job = api.world.run(api("POST", "/v1/imports", body)[1]["id"])
    api.world.conclude(job.id)
    _, headers, document = api.world.sender.sent[-1]
    return document, dict(headers)


def accepts(secret: str, message: tuple[bytes, dict[str, str]]) -> bool:
    """Whether one of the message's signatures is that of the secret."""
    body, headers = message
    seconds = int(headers["webhook-timestamp"])
    expected = signed_headers(body, event_id=headers["webhook-id"], timestamp=seconds, secret=secret)
    return expected["webhook-signature"] in headers["webhook-signature"].split(" ")


def test_the_first_secret_is_the_one_that_receivers_have(api: Api) -> None:
    assert api.get(SECRET) == (200, {"secret": project_secret("master", "demo"), "previous_until": None})


def test_a_replaced_secret_signs_beside_the_new_one_until_it_expires(api: Api) -> None:
    old = api.get(SECRET)[1]["secret"]
    status, rotated = api("POST", ROTATE, {"overlap_seconds": 3_600})
    new = rotated["secret"]
    assert status == 200
    assert new != old
    assert rotated == api.get(SECRET)[1]
    assert rotated["previous_until"] > api.world.clock()
    during = sent(api)
    assert during[1]["webhook-signature"].count("v1,") == 2
    assert accepts(old, during)
    assert accepts(new, during)
    api.world.clock.advance(3_601)
    after = sent(api)
    assert (accepts(old, after), accepts(new, after)) == (False, True)
    assert api.get(SECRET)[1] == {"secret": new, "previous_until": None}


def test_two_rotations_keep_the_secret_that_receivers_still_have(api: Api) -> None:
    secrets = [api.get(SECRET)[1]["secret"], *(api("POST", ROTATE)[1]["secret"] for _ in range(2))]
    assert len(set(secrets)) == 3
    message = sent(api)
    assert all(accepts(secret, message) for secret in secrets)


def test_an_overlap_of_zero_ends_all_older_secrets(api: Api) -> None:
    old = [api.get(SECRET)[1]["secret"], api("POST", ROTATE)[1]["secret"]]
    new = api("POST", ROTATE, {"overlap_seconds": 0})[1]
    assert new["previous_until"] is None
    message = sent(api)
    assert accepts(new["secret"], message)
    assert not any(accepts(secret, message) for secret in old)


def test_a_fifth_older_secret_is_refused(api: Api) -> None:
    for _ in range(4):
        assert api("POST", ROTATE)[0] == 200
    before = api.get(SECRET)[1]
    status, code, detail = api.refusal("POST", ROTATE)
    assert (status, code) == (422, "INVALID_REQUEST")
    assert "overlap_seconds 0" in detail
    assert api.get(SECRET)[1] == before


@pytest.mark.parametrize("body", [{"overlap_seconds": -1}, {"overlap_seconds": 2_592_001}, {"overlap": 1}, []])
def test_a_wrong_overlap_is_refused(api: Api, body: object) -> None:
    assert api.refusal("POST", ROTATE, body)[:2] == (422, "INVALID_REQUEST")
    assert not api.world.webhook_secrets.states


def test_a_rotation_is_audited_and_concerns_its_project_only(api: Api) -> None:
    other = api("GET", SECRET, project="other")[1]
    api("POST", ROTATE)
    (entry,) = api.get("/v1/audit")[1]["entries"]
    assert (entry["action"], entry["subject"], entry["key_id"]) == ("webhook_secret.rotate", "demo", "key_1")
    assert api("GET", SECRET, project="other")[1] == other
    assert api.refusal("POST", ROTATE, project="")[:2] == (403, "FORBIDDEN")
