"""The models have the API's fields."""

import importlib
import pkgutil
from dataclasses import FrozenInstanceError, fields
from typing import Any

import pytest
from pydantic import BaseModel

from clipferry import Import, UnexpectedAnswer, models
from clipferry.decode import Model, decode
from clipferry.requests import Filters, ImportRequest, IntegrationRequest, Notify, Settings, ToleratedFailures, ViewSet
from lambdas.schemas import (
    audit,
    clips,
    deployment,
    ended,
    failures,
    folders,
    imports,
    integrations,
    keys,
    previews,
    settings,
    uploads,
    watches,
)
from tests.unit.client.service import clip, job

ANSWERS = [
    (Import, imports.ImportView),
    (models.Counts, imports.CountsView),
    (models.Source, imports.SourceView),
    (models.Rate, imports.RateView),
    (models.Attempt, imports.RunView),
    (models.Delivery, imports.DeliveryView),
    (models.Webhook, imports.WebhookView),
    (models.Clip, clips.ClipView),
    (models.FoundClip, clips.FoundClipView),
    (models.ClipDetail, clips.ClipDetailView),
    (models.ClipLink, clips.ClipLinkView),
    (models.FailureGroup, failures.FailureGroupView),
    (models.Failures, failures.FailuresView),
    (models.Done, failures.DoneView),
    (models.Phase, failures.PhaseView),
    (models.Point, failures.PointView),
    (models.Timeline, failures.TimelineView),
    (models.Spent, failures.SpentView),
    (models.WebhookSecret, ended.WebhookSecretView),
    (models.Report, ended.ReportView),
    (models.Preset, settings.ExecutionSettingsView),
    (models.Integration, integrations.IntegrationView),
    (models.IntegrationTest, integrations.ProbeView),
    (models.Check, integrations.CheckView),
    (models.Folder, folders.FolderView),
    (models.CountedFolder, folders.CountedFolderView),
    (models.ApiKey, keys.KeyView),
    (models.CreatedKey, keys.CreatedKeyView),
    (models.Caller, keys.CallerView),
    (models.AuditEntry, audit.AuditEntryView),
    (models.Preview, previews.PreviewView),
    (models.PreviewedClip, previews.PreviewedClipView),
    (models.Outcome, previews.OutcomeView),
    (models.Fates, previews.FatesView),
    (models.Total, previews.TotalView),
    (models.Estimate, previews.EstimateView),
    (models.Cost, previews.CostView),
    (models.Archives, previews.ArchivedView),
    (models.Restores, imports.RestoresView),
    (models.Upload, uploads.UploadView),
    (models.UploadLink, uploads.UploadLinkView),
    (models.PartLink, uploads.PartLinkView),
    (models.PartLinks, uploads.PartLinksView),
    (models.Uploaded, uploads.UploadedView),
    (models.Schedule, watches.ScheduleView),
    (models.WatchFailure, watches.FailureView),
    (models.WatchRun, watches.WatchRunView),
    (models.Watch, watches.WatchStatusView),
    (models.WatchTest, watches.WatchTestView),
    (models.WatchWebhook, watches.WatchWebhookView),
    (models.Deployment, deployment.DeploymentView),
    (models.Health, deployment.HealthView),
    (models.Slots, deployment.SlotsView),
    (models.DeploymentHealth, deployment.DeploymentHealthView),
    (models.ProjectSlots, deployment.ProjectSlotsView),
    (models.Queue, deployment.QueueView),
    (models.Alarm, deployment.AlarmView),
]


@pytest.mark.parametrize(("ours", "theirs"), ANSWERS)
def test_a_model_has_the_fields_that_the_api_answers(ours: type[Model], theirs: type[BaseModel]) -> None:
    known = {one.name.rstrip("_") for one in fields(ours) if one.name != "raw" and not one.name.startswith("_")}
    assert known == {field.alias or name for name, field in theirs.model_fields.items()}


def test_every_model_is_public_and_compared_with_the_api() -> None:
    compared = {ours.__name__ for ours, _ in ANSWERS} - {"Import"} | {"ImportState"}
    defined = set()
    for module in pkgutil.iter_modules(models.__path__, "clipferry.models."):
        members = vars(importlib.import_module(module.name)).values()
        defined |= {one.__name__ for one in members if isinstance(one, type) and issubclass(one, Model)} - {"Model"}
    assert defined == compared
    assert defined == {name for name in models.__all__ if not name.isupper()}


REQUESTS = [
    (ImportRequest, imports.ImportBody, {"idempotency_key"}),
    (Filters, imports.FiltersBody, set()),
    (ViewSet, imports.SetBody, set()),
    (Settings, settings.SettingsBody, set()),
    (Notify, settings.NotifyBody, set()),
    (ToleratedFailures, settings.ToleranceBody, set()),
]


@pytest.mark.parametrize(("ours", "theirs", "elsewhere"), REQUESTS)
def test_a_request_has_the_fields_that_the_api_takes(ours: Any, theirs: type[BaseModel], elsewhere: set[str]) -> None:
    taken = {field.alias or name for name, field in theirs.model_fields.items()}
    assert set(ours.__annotations__) == taken - elsewhere


def test_an_integration_has_the_fields_of_all_types() -> None:
    kinds = (
        integrations.S3IntegrationBody,
        integrations.S3RoleIntegrationBody,
        integrations.GcsIntegrationBody,
        integrations.HfBucketIntegrationBody,
    )
    assert set(IntegrationRequest.__annotations__) == {name for kind in kinds for name in kind.model_fields}


def test_unknown_fields_are_kept_and_ignored() -> None:
    answer = job() | {"newer": {"a": 1}}
    found = decode(Import, answer)
    assert found.raw == answer
    assert found == decode(Import, job())


def test_missing_optional_fields_have_their_default() -> None:
    answer = job()
    del answer["door"], answer["runs"]
    found = decode(Import, answer)
    assert (found.door, found.runs) == ("", ())


def test_missing_and_wrong_fields_are_named() -> None:
    for change, place in (
        ({"counts": {"total": 1}}, "counts.pending"),
        ({"labels": ["a", 1]}, r"labels\[1\]"),
        ({"run": True}, "run"),
        ({"settings": []}, "settings"),
        ({"project": None}, "project"),
    ):
        with pytest.raises(UnexpectedAnswer, match=place):
            decode(Import, job(**change))
    with pytest.raises(UnexpectedAnswer, match="id"):
        decode(models.Clip, {})


def test_models_are_frozen_and_show_no_secrets() -> None:
    found = decode(models.Clip, clip())
    with pytest.raises(FrozenInstanceError):
        found.status = "FAILED"  # type: ignore[misc]
    key = {"id": "key_1", "project": "demo", "name": "n", "created_at": "t", "key": "cf_secret"}
    assert "cf_secret" not in repr(decode(models.CreatedKey, key))
    assert "whsec_1" not in repr(decode(models.WebhookSecret, {"secret": "whsec_1", "previous_until": None}))
    link = {"url": "https://a.example/?X-Amz-Signature=s", "expires_at": "t", "content_type": "video/mp4"}
    assert "Signature" not in repr(decode(models.ClipLink, link))
