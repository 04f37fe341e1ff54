"""Imports from every store: by which integration each clip is opened, where it lands, and what becomes of the rest."""

import json
from dataclasses import replace

import pytest

from service.domain.clips import ClipStatus
from service.domain.errors import CannotAccess, IntegrationGone, IntegrationMismatch, UnknownIntegration
from service.domain.jobs import JobStatus
from service.domain.manifest import ManifestEntry
from service.domain.members import Packed
from service.domain.projects import Integration, IntegrationState, IntegrationType
from service.domain.requests import ImportRequest, ImportSettings, ViewSet
from service.imports.intake.drop_bucket import accept_uploads
from service.imports.previews.preview import preview
from service.ports.objects import Copier
from service.sources.routed import RoutedCopiers
from tests.builders import (
    DROP_BUCKET,
    PROJECT,
    World,
    an_entry,
    an_integration,
    an_upload,
    import_list,
    import_prefix,
    import_sets,
)
from tests.fakes.objects import FakeServerSideCopier, FakeStorage

GOOGLE = "gs://fleet/runs/a.zip"
HUB = "hf://buckets/maker/clips/a b.mp4"
OWN = "s3://source/a.zip"


def save(world: World, integration: Integration) -> Integration:
    world.integrations.rows[integration.project, integration.id] = integration
    return integration


def google(world: World, **fields: object) -> Integration:
    made = an_integration("in_gs", type=IntegrationType.GCS)
    return save(world, replace(made, **fields))  # type: ignore[arg-type]


@pytest.fixture
def stores(world: World) -> World:
    world.storage.put("source", "a.zip")
    world.storage.put("fleet", "runs/a.zip")
    world.storage.put("fleet", "runs/b.zip")
    world.storage.put("maker/clips", "a b.mp4")
    return world


def test_a_list_may_name_all_stores_and_each_clip_is_opened_by_its_own_access(stores: World) -> None:
    google(stores)
    job = stores.submit(import_list([OWN, GOOGLE, HUB]))
    assert stores.run(job.id).status is JobStatus.COMPLETED
    assert [(entry.integration, entry.destination) for entry in stores.manifest(job.id)] == [
        (None, "demo/-/source/a.zip"),
        ("in_gs", "demo/-/gs~fleet/runs/a.zip"),
        (None, "demo/-/hf~maker~clips/a b.mp4"),
    ]
    assert stores.storage.opened_by["fleet"] == {"in_gs"}
    assert stores.storage.opened_by["source"] == stores.storage.opened_by["maker/clips"] == {None}


@pytest.mark.parametrize("settings", [ImportSettings(), ImportSettings(destination="{name}")])
def test_a_prefix_of_another_store_is_listed_by_its_integration(stores: World, settings: ImportSettings) -> None:
    google(stores)
    job = stores.submit(import_prefix("gs://fleet/runs/", settings=settings))
    assert stores.run(job.id).status is JobStatus.COMPLETED
    assert [entry.source_uri for entry in stores.manifest(job.id)] == [GOOGLE, "gs://fleet/runs/b.zip"]
    assert stores.storage.opened_by["fleet"] == {"in_gs"}


def test_a_prefix_that_was_imported_before_is_skipped(stores: World) -> None:
    google(stores)
    for skipped in (0, 2):
        job = stores.run(stores.submit(import_prefix("gs://fleet/")).id)
        assert (job.counts.skipped, job.counts.total) == (skipped, 2)


def test_the_views_of_a_set_may_lie_in_several_stores(stores: World) -> None:
    google(stores)
    job = stores.submit(import_sets(ViewSet(views=(("front", GOOGLE), ("rear", HUB)))))
    assert stores.run(job.id).status is JobStatus.COMPLETED
    assert [entry.integration for entry in stores.manifest(job.id)] == ["in_gs", None]


def test_a_manifest_in_one_store_names_clips_in_another(stores: World) -> None:
    google(stores)
    lines = "".join(json.dumps({"uri": uri}) + "\n" for uri in (HUB, OWN, "gs://nobodys/x"))
    stores.storage.put_body("fleet", "list.jsonl", lines.encode())
    job = stores.submit(ImportRequest(manifest_uri="gs://fleet/list.jsonl"))
    done = stores.run(job.id)
    assert (done.counts.copied, done.counts.failed) == (2, 1)
    assert stores.storage.opened_by["fleet"] == {"in_gs"}
    assert stores.manifest(job.id)[2].code == "CANNOT_ACCESS"


def test_two_stores_with_one_bucket_name_do_not_meet(stores: World) -> None:
    save(stores, an_integration("in_r2", bucket="source", endpoint_url="https://r2.example.com"))
    first = stores.submit(import_list([OWN]))
    assert [entry.destination for entry in planned(stores, first.id)] == ["demo/-/s3~r2.example.com~source/a.zip"]
    stores.integrations.rows.clear()
    second = stores.submit(import_list([OWN]))
    assert [entry.destination for entry in planned(stores, second.id)] == ["demo/-/source/a.zip"]


def planned(world: World, job_id: str) -> list[ManifestEntry]:
    world.plan(job_id)
    return world.manifest(job_id)


def test_a_clip_that_nothing_opens_fails_and_a_retry_opens_it_by_what_was_saved_since(stores: World) -> None:
    job = stores.submit(import_list([OWN, GOOGLE]))
    assert stores.run(job.id).status is JobStatus.COMPLETED_WITH_ERRORS
    failed = stores.manifest(job.id)[1]
    assert (failed.status, failed.code, failed.destination) == (ClipStatus.FAILED, "CANNOT_ACCESS", "")
    assert "save one for the bucket (POST /v1/integrations, type gcs)" in str(failed.message)
    google(stores, endpoint_url="https://store.example.com")
    stores.retry(job.id)
    done = stores.run(job.id)
    assert (done.status, done.counts.copied) == (JobStatus.COMPLETED, 2)
    assert stores.storage.copies["demo/-/gs~store.example.com~fleet/runs/a.zip"] == 1


def test_the_named_integration_is_used_for_everything_or_the_clip_fails(stores: World) -> None:
    google(stores, id="in_old")
    google(stores, id="in_new", created_at="2026-11-22T18:00:00.000Z")
    job = stores.submit(import_list([GOOGLE, OWN], integration_id="in_old"))
    stores.run(job.id)
    opened, mismatch = stores.manifest(job.id)
    assert (opened.integration, mismatch.code) == ("in_old", "INTEGRATION_MISMATCH")


@pytest.mark.parametrize(
    "request_", [import_list([GOOGLE]), import_prefix("gs://fleet/"), ImportRequest(manifest_uri="gs://fleet/l.csv")]
)
def test_an_unknown_integration_is_refused_before_anything_is_created(stores: World, request_: ImportRequest) -> None:
    google(stores, id="in_others", project="other")
    google(stores, id="in_going", state=IntegrationState.DELETING)
    for unknown in ("in_nope", "in_others", "in_going"):
        asked = replace(request_, integration_id=unknown)
        with pytest.raises(UnknownIntegration, match="integration_id: there is no integration"):
            stores.submit(asked)
        with pytest.raises(UnknownIntegration):
            preview(asked, project=PROJECT, ports=stores.preview_ports)
    assert not stores.jobs.rows


@pytest.mark.parametrize("uri", ["gs://fleet/", "gs://fleet/ru", "gs://other/runs/", "s3://fleet/runs/"])
def test_a_prefix_beyond_its_integration_is_refused(stores: World, uri: str) -> None:
    google(stores, prefix="runs/")
    with pytest.raises(IntegrationMismatch, match="reaches gs://fleet/runs/… only"):
        stores.submit(import_prefix(uri, integration_id="in_gs"))
    with pytest.raises(CannotAccess):
        stores.submit(import_prefix(uri))
    assert not stores.jobs.rows


def test_what_planning_used_is_kept_with_its_time(stores: World) -> None:
    used, unused = google(stores), google(stores, id="in_else", bucket="else")
    stores.plan(stores.submit(import_list([GOOGLE, GOOGLE])).id)
    assert stores.integrations.rows[PROJECT, used.id].last_used
    assert stores.integrations.rows[PROJECT, unused.id].last_used is None


def test_an_upload_is_read_by_the_service_itself_whatever_was_saved(stores: World) -> None:
    save(stores, an_integration("in_drop", bucket=DROP_BUCKET, endpoint_url="https://r2.example.com"))
    accept_uploads([an_upload("inbox/demo/x.zip")], stores.upload_ports)
    (job,) = stores.jobs.rows.values()
    assert [(entry.integration, entry.status) for entry in planned(stores, job.id)] == [(None, ClipStatus.PENDING)]
    assert stores.storage.opened_by[DROP_BUCKET] <= {None}


def test_an_estimate_counts_what_passes_through_the_functions(stores: World) -> None:
    arn = "arn:aws:iam::222222222222:role/clipferry-fleet"
    stores.storage.put("fleet", "large.mp4", 10**12)
    save(stores, an_integration("in_role", type=IntegrationType.S3_ROLE, role_arn=arn))

    def seconds(*copy_roles: str) -> int:
        ports = replace(stores.preview_ports, copy_roles=copy_roles)
        return preview(import_list(["s3://fleet/large.mp4"]), project=PROJECT, ports=ports).estimate.seconds

    assert seconds() > 10_000 > 1_000 > seconds(arn)


# --- routing ---------------------------------------------------------------------------------------------------------


def routed(world: World, through: dict[str | None, FakeStorage]) -> RoutedCopiers:
    return RoutedCopiers(
        project=PROJECT,
        own=FakeServerSideCopier(world.storage),
        through=lambda integration: FakeServerSideCopier(through[integration.id if integration else None]),
        saved=world.integrations,
        of_member=lambda _entry, copier: copier,
    )


def test_each_entry_goes_by_its_own_access(world: World) -> None:
    google(world)
    by_google, public = FakeStorage(), FakeStorage()
    copiers = routed(world, {"in_gs": by_google, None: public})
    world.storage.put("source", "a.zip")
    by_google.put("fleet", "runs/a.zip")
    public.put("maker/clips", "a b.mp4")
    for uri, integration, kept in ((OWN, None, world.storage), (GOOGLE, "in_gs", by_google), (HUB, None, public)):
        entry = an_entry(source_uri=uri, integration=integration, etag="etag1")
        copiers.copier_of(entry).copy(entry, ImportSettings())
        assert kept.copies.total() == 1


def test_a_member_of_a_zip_is_copied_by_what_reads_the_zip(world: World) -> None:
    google(world)
    asked: list[tuple[ManifestEntry, Copier]] = []
    by_google, of_members = FakeStorage(), FakeServerSideCopier(FakeStorage())

    def of_member(entry: ManifestEntry, copier: Copier) -> Copier:
        asked.append((entry, copier))
        return of_members

    copiers = replace(routed(world, {"in_gs": by_google}), of_member=of_member)
    packed = Packed(zip_size=9, zip_etag="e", members=())
    entry = an_entry(source_uri=f"{GOOGLE}!/a.mp4", integration="in_gs", packed=packed)
    assert copiers.copier_of(entry) is of_members
    ((given, copier),) = asked
    assert (given, copier) == (entry, FakeServerSideCopier(by_google))


def test_an_integration_for_a_part_of_a_zip_opens_none_of_it(stores: World) -> None:
    google(stores, prefix="runs/a.zip!/a")
    job = stores.submit(import_list([f"{GOOGLE}!/a.mp4"]))
    stores.run(job.id)
    assert [entry.code for entry in stores.manifest(job.id)] == ["CANNOT_ACCESS"]


def test_an_integration_that_was_deleted_opens_nothing_more(world: World) -> None:
    copiers = routed(world, {})
    entry = an_entry(source_uri=GOOGLE, integration="in_gs")
    with pytest.raises(IntegrationGone, match="integration in_gs is gone"):
        copiers.copier_of(entry)
    google(world, state=IntegrationState.DELETING)
    with pytest.raises(IntegrationGone):
        copiers.copier_of(entry)
