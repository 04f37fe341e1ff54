"""A state machine, an event bus and a webhook receiver in memory."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from service.domain.ends import End
from service.domain.ids import conclusion_name, execution_name
from service.ports.delivery import ExecutionState, WebhookAnswer
from tests.fakes.faults import Faults, port_call


@dataclass
class FakeWorkflow:
    """Records the started executions by name, with their waits."""

    faults: Faults = field(default_factory=Faults)
    waits: dict[str, int] = field(default_factory=dict)
    states: dict[str, ExecutionState] = field(default_factory=dict)
    conclusions: dict[str, End] = field(default_factory=dict)
    port = "workflow"

    @property
    def started(self) -> list[str]:
        return list(self.waits)

    @port_call
    def start(self, job_id: str, *, run: int = 0, resumes: int = 0, wait_seconds: int = 0) -> None:
        name = execution_name(job_id, run, resumes)
        if name not in self.waits:
            self.waits[name] = wait_seconds
            self.states[name] = ExecutionState.RUNNING

    @port_call
    def state(self, name: str) -> ExecutionState:
        return self.states.get(name, ExecutionState.ABSENT)

    @port_call
    def conclude(self, end: End) -> None:
        name = conclusion_name(end.job_id, end.ended_at, end.executions)
        if name not in self.conclusions:
            self.conclusions[name] = end
            self.states[name] = ExecutionState.RUNNING


@dataclass
class FakeQueue:
    messages: list[tuple[str, int]] = field(default_factory=list)
    """Their bodies and delays."""

    def put_back(self, bodies: Sequence[str], *, seconds: int) -> None:
        self.messages += [(body, seconds) for body in bodies]


@dataclass
class FakeBus:
    faults: Faults = field(default_factory=Faults)
    events: list[Mapping[str, object]] = field(default_factory=list)
    port = "bus"

    @port_call
    def put(self, detail_type: str, detail: Mapping[str, object], *, time: str) -> None:
        assert time == detail["ended_at" if detail_type == "Clipferry Import Ended" else "at"]
        self.events.append(detail)


@dataclass
class FakeSender:
    """Answers 200, or the next of `answers`: a status, an answer, or an exception to raise."""

    faults: Faults = field(default_factory=Faults)
    answers: deque[int | WebhookAnswer | Exception] = field(default_factory=deque)
    sent: list[tuple[str, Mapping[str, str], bytes]] = field(default_factory=list)
    port = "sender"

    @port_call
    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> WebhookAnswer:
        self.sent.append((url, headers, body))
        answer = self.answers.popleft() if self.answers else 200
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, WebhookAnswer) else WebhookAnswer(answer)
