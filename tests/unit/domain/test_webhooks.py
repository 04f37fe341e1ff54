"""Webhooks: which URLs, how they are signed, what an answer means, when the next attempt is due."""

import base64
import json
import time

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from service.domain.errors import InvalidRequest
from service.domain.webhooks import (
    MAX_DELAY_SECONDS,
    Verdict,
    check_url,
    delay_seconds,
    is_public,
    project_secret,
    shown_url,
    signed_headers,
    verdict,
)

NOW = "2026-11-22T17:00:00.000Z"


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "https://example.com:8443/a/b?token=x&y=%20",
        "https://xn--bcher-kva.example/",
        "https://8.8.8.8/",
        "https://[2606:4700::1111]/",
    ],
)
def test_public_https_urls_are_taken(url: str) -> None:
    check_url(url, allow_private=False)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://example.com/", "must begin with https://"),
        ("ftp://example.com/", "must begin with https://"),
        ("example.com", "must begin with https://"),
        ("", "must begin with https://"),
        ("https://", "no host"),
        ("https:///path", "no host"),
        ("https://user@example.com/", "user name or a password"),
        ("https://user:pass@example.com/", "user name or a password"),
        ("https://example.com/#fragment", "fragment"),
        ("https://example.com:0/", "no host"),
        ("https://example.com:99999/", "not a URL"),
        ("https://[::1/", "not a URL"),
        ("https://exa mple.com/", "ASCII without spaces"),
        ("https://example.com/\r\nHost: x", "ASCII without spaces"),
        ("https://bücher.example/", "ASCII without spaces"),
        ("https://example.com/" + "x" * 2_048, "limit is 2,048"),
        ("https://127.0.0.1/", "not public"),
        ("https://10.1.2.3/", "not public"),
        ("https://169.254.169.254/latest/meta-data/", "not public"),
        ("https://[::1]/", "not public"),
        ("https://[::ffff:10.0.0.1]/", "not public"),
    ],
)
def test_other_urls_are_refused_with_the_reason(url: str, why: str) -> None:
    with pytest.raises(InvalidRequest, match=why):
        check_url(url, allow_private=False)


def test_where_private_urls_are_allowed_http_and_loopback_will_do_and_nothing_else() -> None:
    assert check_url("http://127.0.0.1:8080/hook", allow_private=True).port == 8080
    for url in ("ftp://127.0.0.1/", "http://user@127.0.0.1/"):
        with pytest.raises(InvalidRequest):
            check_url(url, allow_private=True)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("10.0.0.1", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("127.0.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00:ec2::254", False),
        ("ff0e::1", False),
        ("::ffff:8.8.8.8", True),
        ("::ffff:127.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("2002:0a00:0001::1", False),
        ("::10.0.0.1", False),
        ("::8.8.8.8", False),
        ("::ffff:0:10.0.0.1", False),
        ("::ffff:0:8.8.8.8", False),
        ("fec0::1", False),
        ("64:ff9b::8.8.8.8", False),
        ("64:ff9b:1::10.0.0.1", False),
        ("2001:0:4136:e378:8000:63bf:f5ff:fffe", False),
        ("2606:4700::5efe:10.0.0.1", False),
        ("2606:4700::200:5efe:10.0.0.1", False),
        ("4000::1", False),
        ("100::1", False),
    ],
)
def test_only_addresses_of_the_public_internet_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public


def test_a_shown_url_has_no_query() -> None:
    assert shown_url("https://example.com/a?token=secret") == "https://example.com/a"


def test_a_secret_belongs_to_a_project_and_has_256_bits() -> None:
    secrets = {project_secret("master", project) for project in ("a", "b")} | {project_secret("other", "a")}
    assert len(secrets) == 3
    for secret in secrets:
        assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
    assert project_secret("master", "a") == project_secret("master", "a")


def test_the_signature_is_that_of_standard_webhooks() -> None:
    body, secret = json.dumps({"a": "ü"}).encode(), project_secret("master", "a")
    headers = signed_headers(body, event_id="ij_1-x", timestamp=int(time.time()), secret=secret)
    assert Webhook(secret).verify(body, headers) == {"a": "ü"}
    with pytest.raises(WebhookVerificationError):
        Webhook(project_secret("master", "b")).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body + b" ", headers)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        *((status, Verdict.DELIVERED) for status in (200, 201, 204, 299)),
        *((status, Verdict.AGAIN) for status in (408, 429, 500, 502, 503, 504)),
        *((status, Verdict.STOP) for status in (301, 302, 307, 400, 401, 403, 404, 410, 422)),
    ],
)
def test_what_an_answer_means(status: int, expected: Verdict) -> None:
    assert verdict(status) is expected


def delay(attempts: int, retry_after: str | None = None, *, jitter: float = 0.5) -> int:
    return delay_seconds(attempts, first=10, retry_after=retry_after, now=NOW, jitter=jitter)


def test_each_wait_is_three_times_the_last_give_or_take_a_fifth_up_to_six_hours() -> None:
    assert [delay(n) for n in (1, 2, 3, 4)] == [10, 30, 90, 270]
    assert (delay(2, jitter=0), delay(2, jitter=1)) == (24, 36)
    assert delay(12) == MAX_DELAY_SECONDS == 6 * 3_600


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        ("120", 120),
        ("5", 10),
        ("99999999999999999999", MAX_DELAY_SECONDS),
        ("Sun, 22 Nov 2026 17:10:00 GMT", 600),
        ("Sun, 22 Nov 2026 16:00:00 GMT", 10),
        ("soon", 10),
        ("-1", 10),
        ("", 10),
    ],
)
def test_a_receiver_can_ask_for_a_longer_wait(retry_after: str, seconds: int) -> None:
    assert delay(1, retry_after) == seconds


def test_receivers_verify_a_webhook_by_any_of_its_secrets() -> None:
    secrets = [project_secret("master", "a", number) for number in range(3)]
    headers = signed_headers(
        b"{}", event_id="ij_1-x", timestamp=int(time.time()), secret=secrets[2], older=[secrets[1], secrets[0]]
    )
    for secret in secrets:
        assert Webhook(secret).verify(b"{}", headers) == {}
    with pytest.raises(WebhookVerificationError):
        Webhook(project_secret("master", "a", 3)).verify(b"{}", headers)
