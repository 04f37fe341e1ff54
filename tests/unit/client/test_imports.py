"""Imports in the SDK: start, wait, report."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from clipferry import Clipferry, Conflict, ConnectionFailed, Import, UnexpectedAnswer, WaitTimeout
from clipferry.decode import decode
from clipferry.resources.imports import MAX_LOOK_SECONDS, MIN_LOOK_SECONDS
from tests.unit.client.service import BASE_URL, KEY, FakeService, clip, counts, failures, group, job, page, refusal

LINK = {"url": "https://files.example/r?sig=1", "uri": "s3://state/r", "expires_at": "t", "bytes": 3}


def test_a_request_contains_only_given_fields() -> None:
    service = FakeService(job())
    service.client().imports.create(
        exact_paths=("s3://clips/a", "s3://clips/b"), labels=["night"], folder=None, settings={"on_existing": "fail"}
    )
    assert service.asked == [("POST", "/v1/imports")]
    assert service.body() == {
        "exact_paths": ["s3://clips/a", "s3://clips/b"],
        "labels": ["night"],
        "settings": {"on_existing": "fail"},
    }


def test_imports_are_listed_by_the_given_conditions_only() -> None:
    service = FakeService(page("imports", [job()]))
    (found,) = service.client().imports.list(status="FAILED", folder="a b", created_after="2026-01-31T12:00:00Z")
    assert found.id == job()["id"]
    (sent,) = service.requests
    assert dict(sent.url.params) == {
        "status": "FAILED",
        "folder": "a b",
        "created_after": "2026-01-31T12:00:00Z",
        "limit": "100",
    }


def test_wait_reports_every_state_and_returns_the_end() -> None:
    service = FakeService(job("PENDING"), job("PLANNING"), job("COPYING", counts=counts(pending=2)), job())
    client, seen = service.client(), []
    found = client.imports.create(root_path="s3://clips/").wait(lambda now: seen.append(now.status))
    assert seen == ["PLANNING", "COPYING", "COMPLETED"]
    assert found.succeeded
    assert found.counts.finished == found.counts.settled == 2
    assert all(MIN_LOOK_SECONDS <= pause <= MAX_LOOK_SECONDS for pause in service.slept)


@pytest.mark.parametrize("status", ["COMPLETED_WITH_ERRORS", "FAILED", "CANCELLED"])
def test_an_import_that_fails_raises_nothing(status: str) -> None:
    found = FakeService(job(status)).client().imports.wait("ij_1")
    assert found.ended
    assert not found.succeeded


def test_wait_stops_after_its_timeout() -> None:
    service = FakeService(job("COPYING"))
    with pytest.raises(WaitTimeout, match="it goes on") as caught:
        service.client().imports.wait("ij_1", timeout=0)
    assert isinstance(caught.value, TimeoutError)
    assert caught.value.job.status == "COPYING"


def test_an_import_has_methods() -> None:
    again = job("PENDING", run=1)
    first, clips = [job("COPYING"), job(cancel_requested=True), job()], page("clips", [clip()])
    service = FakeService(*first, again, clips, again, again)
    one = service.client().imports.get("ij_1")
    assert one.cancel().cancel_requested
    assert one.refresh().ended
    assert one.retry(["ij_1-0"]).run == 1
    assert service.body(3) == {"clip_ids": ["ij_1-0"]}
    assert [found.id for found in one.clips(status="FAILED", limit=1)] == ["ij_1-0"]
    assert service.asked[1:] == [
        ("POST", "/v1/imports/ij_1/cancel"),
        ("GET", "/v1/imports/ij_1"),
        ("POST", "/v1/imports/ij_1/retry"),
        ("GET", "/v1/imports/ij_1/clips?status=FAILED&limit=1"),
    ]
    one.retry(content_validation="none")
    assert service.body(5) == {"content_validation": "none"}
    one.retry(codes=["NOT_FOUND"])
    assert service.body(6) == {"codes": ["NOT_FOUND"]}


def test_failures_are_counted_by_code_with_examples() -> None:
    service = FakeService(job(), failures(group("NOT_FOUND", 7), complete=False))
    found = service.client().imports.get("ij_1").failures()
    (one,) = found.groups
    assert (one.code, one.count, one.examples[0].source_uri) == ("NOT_FOUND", 7, "s3://clips/0.zip")
    assert not found.complete
    assert service.asked[-1] == ("GET", "/v1/imports/ij_1/failures")


def test_a_timeline_has_phases_and_points() -> None:
    done = {"copied": 2, "skipped": 1, "failed": 0, "cancelled": 0, "bytes": 9}
    phase = {"name": "copying", "run": 1, "started_at": "t", "ended_at": None}
    cost = {"so_far": 0.1, "whole": None, "price_region": "us-east-1", "prices_as_of": "2026-11"}
    points = [{"at": "t", "done": done}]
    service = FakeService(job(), {"run": 1, "phases": [phase], "points": points, "cost": cost})
    found = service.client().imports.get("ij_1").timeline()
    assert (found.run, found.phases[0].name, found.phases[0].ended_at) == (1, "copying", None)
    assert found.points[0].done.copied == 2
    assert found.cost
    assert (found.cost.so_far, found.cost.whole) == (0.1, None)
    assert service.asked[-1] == ("GET", "/v1/imports/ij_1/timeline")


def test_a_clip_is_read_with_the_views_of_its_set() -> None:
    given: dict[str, Any] = {"import_id": "ij_1", "folder": None, "labels": [], "test_run_group_name": "g"}
    service = FakeService(clip(1, view="left") | given | {"views": [clip(0, view="front"), clip(1, view="left")]})
    found = service.client().clips.get("ij_1-1")
    assert (found.import_id, [one.view for one in found.views]) == ("ij_1", ["front", "left"])
    assert service.asked == [("GET", "/v1/clips/ij_1-1")]


def test_a_clip_has_a_link() -> None:
    link = {"url": "https://files.example/c?sig=1", "expires_at": "t", "content_type": "video/mp4"}
    service = FakeService(link, link, refusal(409, "CLIP_NOT_THERE"))
    client = service.client()
    assert client.clips.link("ij_1-0").url == link["url"]
    client.clips.link("ij_1-0", download=True)
    assert service.asked == [("GET", "/v1/clips/ij_1-0/link"), ("GET", "/v1/clips/ij_1-0/link?download=true")]
    with pytest.raises(Conflict):
        client.clips.link("ij_1-1")


def test_a_webhook_secret_is_replaced_once() -> None:
    new = {"secret": "whsec_2", "previous_until": "t"}
    service = FakeService(new, new, httpx.ReadError("cut"))
    client = service.client()
    assert client.webhooks.rotate(overlap_seconds=0).secret == "whsec_2"
    assert (service.asked[-1], service.body()) == (("POST", "/v1/webhook-secret/rotate"), {"overlap_seconds": 0})
    assert client.webhooks.rotate().previous_until == "t"
    assert service.body() == {}
    with pytest.raises(ConnectionFailed, match="may have carried out"):
        client.webhooks.rotate()
    assert len(service.requests) == 3


def test_clips_are_found_across_imports() -> None:
    given = {"import_id": "ij_1", "folder": "f", "labels": ["night"], "test_run_group_name": "g"}
    service = FakeService(page("clips", [clip() | given]))
    found = list(service.client().clips.find(label="night", folder="f"))
    assert (found[0].import_id, found[0].labels) == ("ij_1", ("night",))
    assert service.asked == [("GET", "/v1/clips?label=night&folder=f&limit=1000")]


def test_report_waits_until_the_report_is_written() -> None:
    pending = refusal(409, "REPORT_PENDING", **{"Retry-After": "5"})
    service = FakeService(pending, pending, LINK)
    assert service.client().imports.report("ij_1", wait=60).bytes == 3
    assert service.slept[0] == 5
    with pytest.raises(Conflict):
        FakeService(pending).client().imports.report("ij_1")


def test_report_waits_for_the_end_of_a_running_import() -> None:
    service = FakeService(refusal(409, "NOT_ENDED"), refusal(409, "REPORT_PENDING"), LINK)
    assert service.client().imports.report("ij_1", wait=60).bytes == 3
    assert len(service.slept) == 2
    with pytest.raises(Conflict):
        FakeService(refusal(409, "NOT_ENDED")).client().imports.report("ij_1")


def test_a_download_to_a_device_does_not_replace_it(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as pool:
        read = pool.submit(pipe.read_bytes)
        FakeService(LINK, httpx.Response(200, content=b"a,b")).client().imports.download_report("ij_1", pipe)
        assert read.result(10) == b"a,b"
    assert pipe.is_fifo()


def test_a_report_is_downloaded_whole_and_without_the_key(tmp_path: Path) -> None:
    path = tmp_path / "report.csv"
    service = FakeService(LINK, httpx.ReadError("cut"), httpx.Response(200, content=b"a,b"))
    service.client().imports.download_report("ij_1", path)
    assert path.read_bytes() == b"a,b"
    assert str(service.requests[-1].url) == LINK["url"]
    assert KEY not in str(service.requests[-1].headers)
    with pytest.raises(UnexpectedAnswer, match="403"):
        FakeService(LINK, httpx.Response(403)).client().imports.download_report("ij_1", path)
    with pytest.raises(ConnectionFailed):
        FakeService(LINK, *[httpx.ReadError("cut")] * 5).client().imports.download_report("ij_1", path)
    assert path.read_bytes() == b"a,b"
    assert [one.name for one in tmp_path.iterdir()] == ["report.csv"]


@pytest.mark.parametrize(
    ("call", "asked", "answer"),
    [
        (lambda c: c.settings.replace("es_1", "n", {}), ("PUT", "/v1/execution-settings/es_1"), None),
        (lambda c: c.settings.delete("es_1"), ("DELETE", "/v1/execution-settings/es_1"), httpx.Response(204)),
        (lambda c: c.integrations.delete("in_1"), ("DELETE", "/v1/integrations/in_1"), httpx.Response(204)),
        (lambda c: c.keys.current(), ("GET", "/v1/key"), {"id": "key_1", "project": "demo"}),
        (
            lambda c: list(c.audit.list(subject="ij_1")),
            ("GET", "/v1/audit?subject=ij_1&limit=1000"),
            page("entries", []),
        ),
        (lambda c: list(c.imports.audit("ij_1")), ("GET", "/v1/imports/ij_1/audit?limit=1000"), page("entries", [])),
        (lambda c: c.webhooks.secret(), ("GET", "/v1/webhook-secret"), {"secret": "whsec_1"}),
        (lambda c: c.webhooks.get(), ("GET", "/v1/webhook-secret"), {"secret": "whsec_1", "previous_until": None}),
    ],
)
def test_other_calls_send_the_right_request(call: Any, asked: tuple[str, str], answer: Any) -> None:
    saved = {"id": "es_1", "name": "n", "settings": {}, "created_at": "t", "updated_at": "t"}
    service = FakeService(saved if answer is None else answer)
    call(service.client())
    assert service.asked == [asked]


def test_a_client_closes_its_connections() -> None:
    service = FakeService(job())
    with service.client() as client:
        client.imports.get("ij_1")
    with pytest.raises(RuntimeError, match="closed"):
        client.imports.get("ij_1")


def test_a_client_reads_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIPFERRY_BASE_URL", BASE_URL)
    monkeypatch.setenv("CLIPFERRY_API_KEY", KEY)
    assert Clipferry().where.base_url == BASE_URL


def test_an_import_without_a_client_cannot_send_requests() -> None:
    bare = decode(Import, job())
    with pytest.raises(RuntimeError, match="no client"):
        bare.refresh()
