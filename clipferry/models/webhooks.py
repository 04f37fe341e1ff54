"""The secret that signs a project's webhooks."""

from dataclasses import dataclass, field

from clipferry.decode import Model


@dataclass(frozen=True, kw_only=True)
class WebhookSecret(Model):
    """The secret that signs a project's webhooks (Standard Webhooks)."""

    secret: str = field(repr=False)
    """`whsec_...`"""
    previous_until: str | None = None
    """Until then, replaced secrets sign as well. None: there are none."""
