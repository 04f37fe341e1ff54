"""Turns in DynamoDB: a row each. All turns of a kind have one partition key, so one consistent query sees them all."""

import math
from collections.abc import Sequence

from service.aws.dynamodb.table import TurnRow
from service.domain.turns import Turn

BATCHES = "TURNS"
"""Partition key of the turns of all batches that want to copy or to extrapolate."""


def slow_requests_of(project: str) -> "DynamoTurns":
    return DynamoTurns(f"SLOW#{project}")


def webhooks_of(project: str) -> "DynamoTurns":
    return DynamoTurns(f"WEBHOOKS#{project}")


def deletions_of(project: str) -> "DynamoTurns":
    return DynamoTurns(f"DELETIONS#{project}")


class DynamoTurns:
    def __init__(self, pk: str) -> None:
        self._pk = pk

    def all(self) -> Sequence[Turn]:
        return [
            Turn(
                id=row.sk,
                project=row.project,
                job_id=row.job_id,
                since=float(row.since),
                holds=row.holds,
                expires_at=float(row.expires_at),
            )
            for row in TurnRow.query(self._pk, consistent_read=True)
        ]

    def put(self, turn: Turn) -> None:
        TurnRow(
            self._pk,
            turn.id,
            project=turn.project,
            job_id=turn.job_id,
            since=turn.since,
            holds=turn.holds,
            expires_at=math.ceil(turn.expires_at),
        ).save()

    def remove(self, turn_id: str) -> None:
        TurnRow(self._pk, turn_id).delete()
