"""Contract tests of the stores: one suite for the fake and the adapter of each port.

The adapters run on moto in this process, so these tests open no sockets either.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from moto import mock_aws

from service.aws.clients import secrets_client
from service.aws.dynamodb.audit import DynamoAudit
from service.aws.dynamodb.clips import DynamoClips
from service.aws.dynamodb.ends import DynamoEnds
from service.aws.dynamodb.execution_settings import DynamoExecutionSettings
from service.aws.dynamodb.expiry import keep
from service.aws.dynamodb.folders import DynamoFolders
from service.aws.dynamodb.integrations import DynamoIntegrations
from service.aws.dynamodb.jobs import DynamoJobs
from service.aws.dynamodb.keys import DynamoKeys
from service.aws.dynamodb.multipart_uploads import DynamoLargeCopies
from service.aws.dynamodb.turns import BATCHES, DynamoTurns
from service.aws.dynamodb.uploads import DynamoUploads
from service.aws.dynamodb.watches import DynamoWatches
from service.aws.s3.report_files import S3ReportFiles
from service.aws.s3.result_objects import S3Results
from service.aws.s3.state_files import S3StateFiles
from service.aws.secrets import IntegrationSecretsManager
from service.ports.clips import ClipStore
from service.ports.jobs import EndStore, JobStore
from service.ports.objects import LargeCopyStore, ResultStore
from service.ports.projects import (
    AuditLog,
    ExecutionSettingsStore,
    FolderStore,
    IntegrationSecrets,
    IntegrationStore,
    KeyStore,
)
from service.ports.state import ReportFiles, StateFiles
from service.ports.turns import TurnStore
from service.ports.uploads import UploadStore
from service.ports.watches import WatchStore
from service.support.settings import RowSettings
from tests.builders import CLIPS_BUCKET, STATE_BUCKET, World
from tests.functional.aws import TABLE, new_buckets, new_table
from tests.functional.botorequests import boto_session
from tests.sockets import refuse_sockets

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True, kw_only=True)
class Stores:
    jobs: JobStore
    ends: EndStore
    clips: ClipStore
    large: LargeCopyStore
    uploads: UploadStore
    turns: TurnStore
    keys: KeyStore
    audit: AuditLog
    folders: FolderStore
    saved: ExecutionSettingsStore
    integrations: IntegrationStore
    integration_secrets: IntegrationSecrets
    watches: WatchStore
    state: StateFiles
    files: ReportFiles
    results: ResultStore
    written: Callable[[str], tuple[bytes, str]]
    """Body and content type of a report file."""
    keep: Callable[[int], None]
    """Set how many days a completed job is shown."""
    rows: Callable[[], object]
    """Everything in the table, for later comparison."""


def fakes() -> Stores:
    world = World()
    of_the_table = (
        *(world.jobs, world.clips, world.large, world.uploads, world.keys),
        *(world.audit, world.folders, world.execution_settings, world.integrations, world.watches),
    )
    return Stores(
        jobs=world.jobs,
        ends=world.ends,
        clips=world.clips,
        large=world.large,
        uploads=world.uploads,
        turns=world.turns,
        keys=world.keys,
        audit=world.audit,
        folders=world.folders,
        saved=world.execution_settings,
        integrations=world.integrations,
        integration_secrets=world.integration_secrets,
        watches=world.watches,
        state=world.state,
        files=world.files,
        results=world.results,
        written=lambda key: (world.files.files[key], world.files.types[key]),
        keep=lambda days: setattr(world.jobs, "retention_days", days),
        rows=lambda: deepcopy([kept(store) for store in of_the_table]),
    )


def kept(store: object) -> dict[str, object]:
    """Return the entries of a fake's collections, without empty ones."""
    return {name: value for name, value in vars(store).items() if isinstance(value, dict | list | set) and value}


def adapters() -> Stores:
    dynamodb, s3 = new_table(), new_buckets()
    return Stores(
        jobs=DynamoJobs(),
        ends=DynamoEnds(),
        clips=DynamoClips(),
        large=DynamoLargeCopies(),
        uploads=DynamoUploads(),
        turns=DynamoTurns(BATCHES),
        keys=DynamoKeys(),
        audit=DynamoAudit(),
        folders=DynamoFolders(),
        saved=DynamoExecutionSettings(),
        integrations=DynamoIntegrations(),
        integration_secrets=IntegrationSecretsManager(secrets_client(), "clipferry/Clipferry/integrations/"),
        watches=DynamoWatches(),
        state=S3StateFiles(boto_session(s3), STATE_BUCKET),
        files=S3ReportFiles(s3, STATE_BUCKET),
        results=S3Results(s3, CLIPS_BUCKET),
        written=lambda key: body_and_type(s3, key),
        keep=lambda days: keep(RowSettings(row_retention_days=days, longest_import_hours=24)),
        rows=lambda: dynamodb.scan(TableName=TABLE)["Items"],
    )


def body_and_type(s3: "S3Client", key: str) -> tuple[bytes, str]:
    found = s3.get_object(Bucket=STATE_BUCKET, Key=key)
    return found["Body"].read(), found["ContentType"]


@pytest.fixture(params=["fake", "aws"])
def stores(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stores]:
    refuse_sockets(monkeypatch)
    if request.param == "fake":
        yield fakes()
        return
    with mock_aws():
        yield adapters()
    keep(RowSettings())


@pytest.fixture
def jobs(stores: Stores) -> JobStore:
    return stores.jobs


@pytest.fixture
def ends(stores: Stores) -> EndStore:
    return stores.ends


@pytest.fixture
def clips(stores: Stores) -> ClipStore:
    return stores.clips


@pytest.fixture
def large(stores: Stores) -> LargeCopyStore:
    return stores.large


@pytest.fixture
def uploads(stores: Stores) -> UploadStore:
    return stores.uploads


@pytest.fixture
def keys(stores: Stores) -> KeyStore:
    return stores.keys


@pytest.fixture
def audit(stores: Stores) -> AuditLog:
    return stores.audit


@pytest.fixture
def folders(stores: Stores) -> FolderStore:
    return stores.folders


@pytest.fixture
def saved(stores: Stores) -> ExecutionSettingsStore:
    return stores.saved


@pytest.fixture
def integrations(stores: Stores) -> IntegrationStore:
    return stores.integrations


@pytest.fixture
def integration_secrets(stores: Stores) -> IntegrationSecrets:
    return stores.integration_secrets


@pytest.fixture
def watches(stores: Stores) -> WatchStore:
    return stores.watches


@pytest.fixture
def state(stores: Stores) -> StateFiles:
    return stores.state


@pytest.fixture
def results(stores: Stores) -> ResultStore:
    return stores.results


@pytest.fixture
def rows(stores: Stores) -> Callable[[], object]:
    return stores.rows
