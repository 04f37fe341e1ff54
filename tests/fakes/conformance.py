"""Let the type checker compare every fake with its port."""

from service.ports.clips import ClipStore
from service.ports.delivery import EventBus, WebhookSender, Workflow
from service.ports.jobs import EndStore, JobStore
from service.ports.objects import ClipRemover, ClipsBucket, Copiers, LargeCopyStore, ResultStore, SourceStorage
from service.ports.projects import (
    AuditLog,
    ExecutionSettingsStore,
    FolderStore,
    IntegrationSecrets,
    IntegrationStore,
    KeyStore,
    Secrets,
)
from service.ports.state import Clock, ReportFiles, StateFiles
from service.ports.uploads import UploadStore
from service.sources.port import ObjectSource, Sources
from tests.fakes.clips import FakeClips
from tests.fakes.delivery import FakeBus, FakeSender, FakeWorkflow
from tests.fakes.integrations import FakeIntegrations, FakeIntegrationSecrets
from tests.fakes.jobs import FakeEnds, FakeJobs
from tests.fakes.objects import FakeResults, FakeStorage
from tests.fakes.projects import FakeAudit, FakeExecutionSettings, FakeFolders, FakeKeys, FakeSecrets
from tests.fakes.sources import FakeSource, FakeSources
from tests.fakes.state import FakeClock, FakeReportFiles, FakeStateFiles
from tests.fakes.uploads import FakeLargeCopies, FakeUploads


def _fakes_are_ports() -> None:
    """Read by mypy alone."""
    jobs = FakeJobs()
    _clock: Clock = FakeClock()
    _copiers: Copiers = FakeStorage()
    _bucket: ClipsBucket = FakeStorage()
    _sources_of_a_project: SourceStorage = FakeStorage()
    _remover: ClipRemover = FakeStorage()
    _state: StateFiles = FakeStateFiles()
    _jobs: JobStore = jobs
    _clips: ClipStore = FakeClips()
    _keys: KeyStore = FakeKeys()
    _large: LargeCopyStore = FakeLargeCopies()
    _uploads: UploadStore = FakeUploads(jobs)
    _audit: AuditLog = FakeAudit([])
    _folders: FolderStore = FakeFolders([])
    _execution_settings: ExecutionSettingsStore = FakeExecutionSettings([])
    _integrations: IntegrationStore = FakeIntegrations([])
    _integration_secrets: IntegrationSecrets = FakeIntegrationSecrets()
    _source: ObjectSource = FakeSource()
    _sources: Sources = FakeSources()
    _workflow: Workflow = FakeWorkflow()
    _secrets: Secrets = FakeSecrets({})
    _ends: EndStore = FakeEnds(jobs)
    _files: ReportFiles = FakeReportFiles()
    _results: ResultStore = FakeResults(FakeStorage())
    _bus: EventBus = FakeBus()
    _sender: WebhookSender = FakeSender()
