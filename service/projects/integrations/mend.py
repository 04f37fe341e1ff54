"""Remove integrations, and what interrupted creations and deletions of them left."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from service.domain.errors import SweepIncomplete
from service.domain.projects import Integration, IntegrationState
from service.ports.projects import IntegrationSecrets, IntegrationStore
from service.ports.state import Clock

log = logging.getLogger(__name__)

UNSETTLED_SECONDS = 120
"""Age from which a hidden integration is abandoned: requests end after 29 seconds."""


def mend(
    store: IntegrationStore, secrets_: IntegrationSecrets, clock: Clock, *, out_of_time: Callable[[], bool]
) -> list[str]:
    """Remove what interrupted creations and deletions left, until `out_of_time()` is true; return the ids.

    Raises `SweepIncomplete` at the end if some could not be removed.
    """
    now = clock()
    until = datetime.fromisoformat(now) - timedelta(seconds=UNSETTLED_SECONDS)
    mended, failed = [], []
    for one in store.unsettled():
        if out_of_time():
            break
        try:
            if datetime.fromisoformat(one.touched_at) > until:
                continue
            if one.state is IntegrationState.CREATING and not store.begin_delete(one, now, entry=None):
                continue
            remove(one, store, secrets_)
            mended.append(one.id)
        except Exception:
            log.exception("integration %s cannot be removed", one.id)
            failed.append(one.id)
    if failed:
        raise SweepIncomplete(f"{len(failed)} integrations could not be removed, first: {failed[0]}")
    return mended


def remove(integration: Integration, store: IntegrationStore, secrets_: IntegrationSecrets) -> None:
    """Delete the secret, then the row, so that a row names the secret as long as it exists."""
    secrets_.delete(integration.secret_name)
    store.remove(integration)
