"""Executions of the import state machine: one per run, named by job and run, and one per repeated conclusion."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from service.domain.ends import End
from service.domain.errors import WorkflowUnavailable
from service.domain.ids import conclusion_name, execution_name
from service.ports.delivery import ExecutionState

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


@dataclass(frozen=True)
class StepFunctionsWorkflow:
    client: "SFNClient"
    state_machine_arn: str

    def start(self, job_id: str, *, run: int = 0, resumes: int = 0, wait_seconds: int = 0) -> None:
        """Raises `WorkflowUnavailable`."""
        try:
            self.client.start_execution(
                stateMachineArn=self.state_machine_arn,
                name=execution_name(job_id, run, resumes),
                input=json.dumps({"job_id": job_id, "run": run, "wait_seconds": wait_seconds}),
            )
        except self.client.exceptions.ExecutionAlreadyExists:
            pass
        except (ClientError, BotoCoreError) as error:
            raise WorkflowUnavailable(str(error)) from error

    def conclude(self, end: End) -> None:
        """Raises `WorkflowUnavailable`."""
        try:
            self.client.start_execution(
                stateMachineArn=self.state_machine_arn,
                name=conclusion_name(end.job_id, end.ended_at, end.executions),
                input=json.dumps({"job_id": end.job_id, "ended_at": end.ended_at}),
            )
        except self.client.exceptions.ExecutionAlreadyExists:
            pass
        except (ClientError, BotoCoreError) as error:
            raise WorkflowUnavailable(str(error)) from error

    def state(self, name: str) -> ExecutionState:
        arn = f"{self.state_machine_arn.replace(':stateMachine:', ':execution:')}:{name}"
        try:
            status = self.client.describe_execution(executionArn=arn)["status"]
        except self.client.exceptions.ExecutionDoesNotExist:
            return ExecutionState.ABSENT
        return ExecutionState.RUNNING if status in ("RUNNING", "PENDING_REDRIVE") else ExecutionState.ENDED
