"""Send a webhook once."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol, TypeVar

from service.domain.ends import DeliveryStatus, WebhookDelivery
from service.domain.errors import WebhookRefused, WebhookUnreachable
from service.domain.limits import bounded
from service.domain.webhooks import Verdict, signed_headers, verdict
from service.ports.delivery import WebhookAnswer, WebhookSender
from service.projects.webhook_secrets import WebhookSecretPorts, signing_secrets

D = TypeVar("D", bound=WebhookDelivery)


class WebhookPorts(Protocol):
    @property
    def sender(self) -> WebhookSender: ...
    @property
    def webhook_secrets(self) -> WebhookSecretPorts: ...


@dataclass(frozen=True)
class Attempt:
    verdict: Verdict
    error: str
    """A sentence about the answer, or why there is none."""
    answer: WebhookAnswer | None = None


def attempt(
    url: str, document: Mapping[str, object], *, event_id: str, project: str, now: str, ports: WebhookPorts
) -> Attempt:
    """Post the document, signed with the project's secrets."""
    body = json.dumps(document, separators=(",", ":")).encode()
    signing = signing_secrets(project, ports.webhook_secrets)
    seconds = int(datetime.fromisoformat(now).timestamp())
    headers = signed_headers(body, event_id=event_id, timestamp=seconds, secret=signing.current, older=signing.older)
    try:
        answer = ports.sender.post(url, headers, body)
    except WebhookUnreachable as unreachable:
        return Attempt(Verdict.AGAIN, unreachable.message)
    except WebhookRefused as refused:
        return Attempt(Verdict.STOP, refused.message)
    return Attempt(verdict(answer.status), f"the receiver answered {answer.status}", answer)


def noted(before: D, tried: Attempt, now: str, *, limit: int) -> D:
    """Return the delivery after an attempt. It stays pending if another one is due; `limit` is the most attempts."""
    delivered = tried.verdict is Verdict.DELIVERED
    over = tried.verdict is Verdict.STOP or before.attempts + 1 >= limit
    return replace(
        before,
        status=DeliveryStatus.DELIVERED if delivered else DeliveryStatus.FAILED if over else DeliveryStatus.PENDING,
        attempts=before.attempts + 1,
        last_attempt_at=now,
        last_status_code=tried.answer.status if tried.answer else None,
        last_error=None if delivered else bounded(tried.error),
        delivered_at=now if delivered else None,
    )
