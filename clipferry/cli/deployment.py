"""`clipferry health` and `clipferry deployment`."""

from collections.abc import Mapping

from clipferry.cli.app import App
from clipferry.cli.verbs import noun, verb
from clipferry.models.deployment import Alarm, Queue, Slots

deployment = noun("deployment", "Show the settings of the deployment, and its alarms and queues.")


@verb()
def health(app: App) -> None:
    """Show what is queued, throttled and failing in the project."""
    found = app.client.health.get()
    app.out.show(
        found.raw,
        {
            "running": _by_status(found.active),
            "pending clips": f"{found.clips_pending:,}",
            "waiting since": app.out.when(found.waiting_since),
            "slots": _slots(found.slots),
            "last 24 hours": _by_status(found.ended),
            "failed webhooks": f"{found.webhooks_failed:,}",
            "watches": _by_status(found.watches),
        },
    )
    if not found.complete:
        app.out.hint("There is more: each count means at least this number.")


@verb(deployment)
def show(app: App) -> None:
    """Show the settings and limits of the deployment. `cdk deploy` changes them."""
    found = app.client.deployment.get()
    app.out.show(found.raw, {name: _setting(value) for name, value in found.raw.items()})


@verb(deployment, "health")
def deployment_health(app: App) -> None:
    """Show the deployment's slots, queues, and alarms. Needs the admin key."""
    found = app.client.deployment.health()
    waiting, in_flight = (sum(getattr(one, name) for one in found.queues) for name in ("waiting", "in_flight"))
    on = [one for one in found.alarms if one.state == "ALARM"]
    app.out.show(
        found.raw,
        {
            "slots": _slots(found.slots),
            "projects": "; ".join(
                f"{one.project}: {one.held:,} held, {one.waiting:,} waiting" for one in found.projects
            )
            or "none has a slot",
            "queues": f"{waiting:,} waiting, {in_flight:,} in flight",
            "alarms": f"{len(on):,} of {len(found.alarms):,} in state ALARM",
        },
    )
    used = [one for one in found.queues if one.waiting or one.in_flight]
    if used and app.out.for_people:
        app.out.rows(
            Queue,
            used,
            {"queue": "name", "waiting": "waiting", "in flight": "in_flight"},
            shorten=("queue",),
        )
    if on and app.out.for_people:
        app.out.rows(
            Alarm,
            on,
            {"alarm": "name", "since": lambda one: app.out.when(one.since), "what to do": "description"},
            shorten=("alarm", "what to do"),
        )


def _slots(slots: Slots) -> str:
    return f"{slots.held:,} of {slots.limit:,} held, {slots.waiting:,} waiting"


def _by_status(counts: Mapping[str, int]) -> str:
    """`14 COMPLETED, 1 FAILED`; `none` if all counts are zero."""
    return ", ".join(f"{count:,} {status}" for status, count in counts.items() if count) or "none"


def _setting(value: object) -> object:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else value
