"""The account's default event bus."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from service.domain.errors import EventRefused

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

SOURCE = "clipferry"


@dataclass(frozen=True)
class DefaultEventBus:
    client: "EventBridgeClient"

    def put(self, detail_type: str, detail: Mapping[str, object], *, time: str) -> None:
        answer = self.client.put_events(
            Entries=[
                {
                    "Source": SOURCE,
                    "DetailType": detail_type,
                    # Not escaped: EventBridge accepts 256 KB, which 50 patterns of escaped letters could exceed.
                    "Detail": json.dumps(detail, separators=(",", ":"), ensure_ascii=False),
                    "Time": datetime.fromisoformat(time),
                }
            ]
        )
        if answer["FailedEntryCount"]:
            entry = answer["Entries"][0]
            raise EventRefused(f"{entry.get('ErrorCode')}: {entry.get('ErrorMessage')}")
