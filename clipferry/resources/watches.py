# Generated from clipferry/aio/resources/watches.py by `make client`: change that file.
"""Watches."""

from collections.abc import Iterator

from typing_extensions import Unpack

from clipferry.decode import decode
from clipferry.models.watches import Watch, WatchTest
from clipferry.requests import WatchChanges, WatchRequest, body_of
from clipferry.resources.base import Resource
from clipferry.wire import new_key, path_of


class Watches(Resource):
    """`/v1/watches`: prefixes that the service keeps imported. `watch_id` is `Watch.id`."""

    def create(self, *, idempotency_key: str | None = None, **request: Unpack[WatchRequest]) -> Watch:
        """Make a watch and start its first import. Raises `Invalid`, or `Forbidden` if the source cannot be read."""
        key, body = idempotency_key or new_key(), body_of(request)
        answer = self._http.call("POST", "/v1/watches", body=body, idempotency_key=key, repeatable=True)
        return decode(Watch, answer)

    def list(self, *, limit: int | None = None) -> Iterator[Watch]:
        """Yield the project's watches, oldest first."""
        return self._pages(Watch, "/v1/watches", "watches", limit=limit)

    def get(self, watch_id: str) -> Watch:
        """Return a watch with its last imports. Raises `NotFound`."""
        return decode(Watch, self._http.call("GET", path_of("watches", watch_id), repeatable=True))

    def change(self, watch_id: str, **changes: Unpack[WatchChanges]) -> Watch:
        """Change the given fields. None removes a schedule, filters, a folder or a preset. Raises `NotFound`."""
        answer = self._http.call("PATCH", path_of("watches", watch_id), body=dict(changes), repeatable=True)
        return decode(Watch, answer)

    def pause(self, watch_id: str) -> Watch:
        """Start nothing more. A run that goes on continues. Raises `NotFound`."""
        return self.change(watch_id, paused=True)

    def resume(self, watch_id: str) -> Watch:
        """Go on; one run catches up. Raises `NotFound`."""
        return self.change(watch_id, paused=False)

    def run(self, watch_id: str) -> Watch:
        """Run now, unless a run goes on. `last_run` is the import. Raises `NotFound`, `Invalid` if it is paused."""
        return decode(Watch, self._http.call("POST", path_of("watches", watch_id, "run"), repeatable=True))

    def test(self, watch_id: str) -> WatchTest:
        """List the source, and look whether the bucket sends its events. Raises `NotFound`."""
        return decode(WatchTest, self._http.call("POST", path_of("watches", watch_id, "test"), repeatable=True))

    def replay_webhook(self, watch_id: str, *, event_id: str | None = None) -> Watch:
        """Send a webhook again, by default the last one. Raises `NotFound`, `Conflict` (NO_WEBHOOK)."""
        path = path_of("watches", watch_id, "webhook", "replay")
        return decode(Watch, self._http.call("POST", path, body=body_of({"event_id": event_id}), repeatable=False))

    def delete(self, watch_id: str) -> None:
        """Delete a watch. Its imports stay. Raises `NotFound`."""
        self._http.call("DELETE", path_of("watches", watch_id), repeatable=True)
