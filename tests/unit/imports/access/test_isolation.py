"""No project opens another's objects in the service's own buckets, whichever way it asks."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from service.domain.clips import ClipStatus
from service.domain.errors import CannotAccess, InvalidRequest
from service.domain.jobs import Door, JobStatus
from service.domain.projects import Actor, IntegrationType
from service.domain.requests import ImportRequest, ViewSet
from service.domain.uris import parse_prefix
from service.imports.intake.drop_bucket import accept_uploads
from service.imports.previews.preview import preview
from service.projects.integrations.manage import IntegrationRequest, create
from service.projects.integrations.probe import probe
from tests.builders import (
    CLIPS_BUCKET,
    DROP_BUCKET,
    STATE_BUCKET,
    World,
    an_integration,
    an_upload,
    import_list,
    import_prefix,
    import_sets,
)

RIVAL = "rival"
VICTIMS = "s3://drop/inbox/victim/a.zip"
ALL_VICTIMS = [
    VICTIMS,
    "s3://drop/unsorted.zip",
    "s3://drop/inbox/rival/../victim/a.zip",
    "s3://clips/victim/-/source/a.zip",
    "s3://state/jobs/ij_000000000000000000000000/request-0.jsonl",
]


def is_plain(uri: str) -> bool:
    return "/../" not in uri


@pytest.fixture
def shared(world: World) -> World:
    """A world in which every bucket of the service is a source bucket, and the victim has objects in each."""
    world.access = replace(world.access, buckets=["source", DROP_BUCKET, CLIPS_BUCKET, STATE_BUCKET])
    for uri in [*filter(is_plain, ALL_VICTIMS), "s3://drop/inbox/rival/own.zip", "s3://clips/rival/-/source/own.zip"]:
        at = parse_prefix(uri)
        world.storage.put(at.bucket, at.key)
    return world


def fates_of(world: World, request: ImportRequest) -> list[tuple[ClipStatus, str | None]]:
    job = world.submit(request, project=RIVAL)
    world.run(job.id)
    return [(entry.status, entry.code) for entry in world.manifest(job.id)]


REFUSED = (ClipStatus.FAILED, "CANNOT_ACCESS")


def test_a_list_opens_only_the_callers_own_keys(shared: World) -> None:
    own = ["s3://drop/inbox/rival/own.zip", "s3://clips/rival/-/source/own.zip"]
    found = fates_of(shared, import_list([*own, *ALL_VICTIMS]))
    assert found == [(ClipStatus.PENDING, None)] * 2 + [REFUSED] * len(ALL_VICTIMS)
    assert not [uri for uri in shared.storage.copies if "victim" in uri]


def test_a_set_opens_only_the_callers_own_keys(shared: World) -> None:
    views = (("front", "s3://drop/inbox/rival/own.zip"), ("rear", VICTIMS))
    assert {status for status, _ in fates_of(shared, import_sets(ViewSet(views=views)))} == {ClipStatus.FAILED}


@pytest.mark.parametrize(
    "prefix",
    [
        *("s3://drop/", "s3://drop/in", "s3://drop/inbox/", "s3://drop/inbox/rival", "s3://drop/inbox/victim/"),
        *("s3://drop/uns", "s3://clips/", "s3://clips/rival", "s3://clips/victim/", "s3://state/", "s3://state/jobs/"),
    ],
)
@pytest.mark.parametrize("validate", [True, False])
def test_a_prefix_that_may_hold_other_projects_keys_is_refused(shared: World, prefix: str, validate: bool) -> None:
    request = import_prefix(prefix, validate=validate)
    with pytest.raises(CannotAccess, match="not open to this project"):
        preview(request, project=RIVAL, ports=shared.preview_ports)
    if validate:
        with pytest.raises(CannotAccess):
            shared.submit(request, project=RIVAL)
        return
    job = shared.run(shared.submit(request, project=RIVAL).id)
    assert (job.status, job.code, job.counts.total) == (JobStatus.FAILED, "CANNOT_ACCESS", 0)


@pytest.mark.parametrize("prefix", ["s3://drop/inbox/rival/", "s3://drop/inbox/rival/ow", "s3://clips/rival/"])
def test_the_callers_own_inbox_and_clips_can_be_listed(shared: World, prefix: str) -> None:
    assert fates_of(shared, import_prefix(prefix)) == [(ClipStatus.PENDING, None)]


def test_the_default_project_owns_what_is_outside_the_inboxes(shared: World) -> None:
    owned = shared.submit(import_list(["s3://drop/unsorted.zip", VICTIMS]))
    assert shared.run(owned.id).counts.copied == 1
    assert shared.run(shared.submit(import_prefix("s3://drop/uns")).id).counts.copied == 0  # lies there already
    for prefix in ("s3://drop/", "s3://drop/inbox/", "s3://drop/inbox/victim/"):
        with pytest.raises(CannotAccess):
            shared.submit(import_prefix(prefix))


def test_a_manifest_and_its_lines_are_the_callers_own(shared: World) -> None:
    lines = "".join(json.dumps({"uri": uri, "size": 1, "etag": "etag1"}) + "\n" for uri in ALL_VICTIMS).encode()
    shared.storage.put_body(DROP_BUCKET, "inbox/victim/list.jsonl", lines)
    with pytest.raises(CannotAccess):
        shared.submit(ImportRequest(manifest_uri="s3://drop/inbox/victim/list.jsonl"), project=RIVAL)
    shared.storage.put_body("source", "list.jsonl", lines)
    found = fates_of(shared, ImportRequest(manifest_uri="s3://source/list.jsonl"))
    assert found == [REFUSED] * len(ALL_VICTIMS)


def test_a_dropped_manifest_opens_only_its_own_projects_keys(shared: World) -> None:
    key = "inbox/rival/x.manifest.jsonl"
    shared.storage.put_body(DROP_BUCKET, key, json.dumps({"uri": VICTIMS}).encode())
    found = shared.storage.buckets[DROP_BUCKET][key]
    accept_uploads([an_upload(key, size=found.size, etag=found.etag, version=None)], shared.upload_ports)
    (job,) = shared.jobs.rows.values()
    assert (job.project, shared.run(job.id).counts.failed) == (RIVAL, 1)


def test_an_inventory_elsewhere_cannot_point_into_another_inbox(shared: World) -> None:
    described = {
        "fileFormat": "CSV",
        "destinationBucket": f"arn:aws:s3:::{DROP_BUCKET}",
        "fileSchema": "Bucket, Key",
        "files": [{"key": "inbox/victim/a.zip"}],
    }
    shared.storage.put_body("source", "manifest.json", json.dumps(described).encode())
    with pytest.raises(CannotAccess):
        shared.submit(ImportRequest(manifest_uri="s3://source/manifest.json"), project=RIVAL)


def test_a_retry_opens_nothing_more(shared: World) -> None:
    job = shared.submit(import_list([VICTIMS]), project=RIVAL)
    shared.run(job.id)
    shared.retry(job.id)
    assert shared.run(job.id).counts.failed == 1


def by_keys(world: World) -> None:
    """An integration that was saved before the service refused these buckets."""
    for bucket in (DROP_BUCKET, CLIPS_BUCKET, STATE_BUCKET):
        saved = an_integration(f"in_{bucket}", project=RIVAL, bucket=bucket)
        world.integrations.rows[RIVAL, saved.id] = saved


def by_role(world: World) -> None:
    arn = "arn:aws:iam::111111111111:role/clipferry-copies"
    saved = an_integration("in_drop", project=RIVAL, bucket=DROP_BUCKET, type=IntegrationType.S3_ROLE, role_arn=arn)
    world.integrations.rows[RIVAL, saved.id] = saved


@pytest.mark.parametrize("save", [by_keys, by_role])
def test_no_integration_opens_the_services_buckets_wider(shared: World, save: Callable[[World], None]) -> None:
    save(shared)
    assert fates_of(shared, import_list(ALL_VICTIMS)) == [REFUSED] * len(ALL_VICTIMS)
    assert fates_of(shared, import_list([VICTIMS], integration_id="in_drop")) == [REFUSED]
    with pytest.raises(CannotAccess):
        shared.submit(import_prefix("s3://drop/inbox/", integration_id="in_drop"), project=RIVAL)


@pytest.mark.parametrize("bucket", [DROP_BUCKET, CLIPS_BUCKET, STATE_BUCKET])
def test_no_integration_is_saved_or_tested_for_the_services_buckets(shared: World, bucket: str) -> None:
    by, ports = Actor(door=Door.API), shared.integration_ports
    request = IntegrationRequest(type=IntegrationType.S3, name="theirs", bucket=bucket, credentials="{}")
    with pytest.raises(InvalidRequest, match="belongs to the service"):
        create(request, project=RIVAL, by=by, ports=ports)
    saved = an_integration(f"in_{'0' * 24}", project=RIVAL, bucket=bucket)
    shared.integrations.rows[RIVAL, saved.id] = saved
    with pytest.raises(InvalidRequest, match="belongs to the service"):
        probe(saved.id, project=RIVAL, by=by, ports=ports)
