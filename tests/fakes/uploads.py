"""Uploads to the drop bucket, and unfinished multipart uploads, in memory."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from service.domain.jobs import Job, JobStatus
from service.domain.objects import LargeCopy
from service.domain.projects import AuditEntry
from service.domain.requests import Upload
from service.ports.uploads import AlreadyClaimed, GatheringClosed
from tests.fakes.faults import Faults, port_call
from tests.fakes.jobs import FakeJobs


@dataclass
class FakeLargeCopies:
    faults: Faults = field(default_factory=Faults)
    rows: dict[tuple[str, int], LargeCopy] = field(default_factory=dict)
    port = "large"

    @port_call
    def claim(self, copy: LargeCopy) -> LargeCopy:
        return self.rows.setdefault((copy.job_id, copy.ordinal), copy)

    @port_call
    def update(self, copy: LargeCopy) -> bool:
        kept = self.rows.get((copy.job_id, copy.ordinal))
        if kept is None or kept.token != copy.token:
            return False
        self.rows[copy.job_id, copy.ordinal] = copy
        return True

    @port_call
    def remove(self, copy: LargeCopy) -> None:
        kept = self.rows.get((copy.job_id, copy.ordinal))
        if kept and (kept.token, kept.upload_id) == (copy.token, copy.upload_id):
            del self.rows[copy.job_id, copy.ordinal]

    @port_call
    def of(self, job_id: str, ordinals: Sequence[int]) -> Sequence[LargeCopy]:
        return [self.rows[job_id, ordinal] for ordinal in ordinals if (job_id, ordinal) in self.rows]

    @port_call
    def unfinished(self, job_id: str) -> Sequence[LargeCopy]:
        return [copy for (owner, _), copy in sorted(self.rows.items()) if owner == job_id]


@dataclass
class FakeUploads:
    """Shares the jobs with `FakeJobs`, since both are in one table."""

    jobs: FakeJobs
    faults: Faults = field(default_factory=Faults)
    max_uploads_per_claim: int = 95
    owners: dict[str, str] = field(default_factory=dict)
    gathering: dict[str, str] = field(default_factory=dict)
    before_claim: Callable[[], None] = lambda: None
    port = "uploads"

    @port_call
    def gathering_job(self, gatherer: str) -> str | None:
        return self.gathering.get(gatherer)

    @port_call
    def claim(self, job_id: str, uploads: Sequence[Upload], list_key: str) -> None:
        self._refuse_claimed(uploads)
        job = self.jobs.rows.get(job_id)
        if job is None or job.status is not JobStatus.PENDING or job.run or job.cancel_requested:
            raise GatheringClosed
        self._take(job_id, uploads, list_key)

    @port_call
    def open(
        self,
        job: Job,
        uploads: Sequence[Upload],
        list_key: str,
        *,
        instead_of: str | None,
        entry: AuditEntry | None = None,
    ) -> None:
        self._refuse_claimed(uploads)
        if self.gathering.get(job.gatherer) != instead_of or job.id in self.jobs.rows:
            raise GatheringClosed
        self.jobs.rows[job.id] = job
        self.jobs.audit += [entry] if entry else []
        self.gathering[job.gatherer] = job.id
        self._take(job.id, uploads, list_key)

    def _refuse_claimed(self, uploads: Sequence[Upload]) -> None:
        self.before_claim()
        assert len(uploads) <= self.max_uploads_per_claim
        assert len({u.identity for u in uploads}) == len(uploads), "a transaction may touch an item once only"
        owned = {u.identity: self.owners[u.identity] for u in uploads if u.identity in self.owners}
        if owned:
            raise AlreadyClaimed(owned)

    def _take(self, job_id: str, uploads: Sequence[Upload], list_key: str) -> None:
        self.owners.update({u.identity: job_id for u in uploads})
        self.jobs.lists[job_id].add(list_key)

    @port_call
    def lists(self, job_id: str) -> Sequence[str]:
        return sorted(self.jobs.lists[job_id])
