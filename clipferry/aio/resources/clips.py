"""`/v1/clips`."""

from collections.abc import AsyncIterator

from clipferry.aio.resources.base import Resource
from clipferry.decode import decode
from clipferry.models.clips import ClipDetail, ClipLink, FoundClip
from clipferry.wire import path_of


class Clips(Resource):
    """`/v1/clips`. `id` is `Clip.id`."""

    def find(
        self,
        *,
        clip_id: str | None = None,
        original_clipgt_url: str | None = None,
        label: str | None = None,
        folder: str | None = None,
        test_run_group: str | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[FoundClip]:
        """Yield the clips of all imports that match every argument, newest import first. Give at least one.

        `clip_id` is `Clip.clip_id`, the id that the clip's own data has, not `Clip.id`. `original_clipgt_url` is the
        source URI as the import named it. `limit` is the maximum number of clips.
        """
        wanted = {"clip_id": clip_id, "original_clipgt_url": original_clipgt_url, "label": label, "folder": folder}
        return self._pages(
            FoundClip, "/v1/clips", "clips", limit=limit, query={**wanted, "test_run_group": test_run_group}
        )

    async def get(self, id: str) -> ClipDetail:
        """Return a clip with its import and all views of its set. Raises `NotFound`."""
        return decode(ClipDetail, await self._http.call("GET", path_of("clips", id), repeatable=True))

    async def link(self, id: str, *, download: bool = False) -> ClipLink:
        """Return a link to the clip's copy, which works for minutes and needs no key.

        `download`: browsers save the clip as a file. Raises `NotFound`, `Conflict` (CLIP_NOT_THERE).
        """
        query = {"download": "true"} if download else None
        return decode(
            ClipLink, await self._http.call("GET", path_of("clips", id, "link"), query=query, repeatable=True)
        )
