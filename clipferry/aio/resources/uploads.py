"""`/v1/uploads`."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path

import httpx

from clipferry.aio.resources.base import Resource
from clipferry.aio.transport import Sleep, Transport
from clipferry.decode import decode
from clipferry.errors import ConnectionFailed, LinkExpired, UnexpectedAnswer
from clipferry.models.uploads import PartLinks, Upload, Uploaded, UploadLink
from clipferry.parts import (
    ONE_REQUEST_BYTES,
    LocalFile,
    Piece,
    base64_of,
    checksum_of,
    part_bytes_of,
    refusal_of_store,
    sha256_of,
    windows,
)
from clipferry.wire import ATTEMPTS, backoff

Progress = Callable[[int], object]
"""Called with the bytes of each part that has arrived or was there already."""
Send = Callable[[Sequence[Piece]], Awaitable[object]]


class Uploads(Resource):
    """`/v1/uploads`: upload local files to the project's inbox. Each file starts an import, or joins one, by itself."""

    def __init__(self, transport: Transport, *, sleep: Sleep = asyncio.sleep) -> None:
        super().__init__(transport)
        self._sleep = sleep

    async def file(
        self,
        path: Path,
        key: str,
        *,
        part_bytes: int | None = None,
        resume: Upload | None = None,
        begun: Callable[[Upload], object] | None = None,
        progress: Progress | None = None,
        send: Send | None = None,
    ) -> Uploaded:
        """Upload a file to `key`, below the project's inbox. S3 checks each part's SHA-256.

        `part_bytes`: files larger than this (default: 16 MiB) are uploaded in parts. `begun` gets an upload in parts
        when it has begun; after a break, give that as `resume`: parts that are there are not sent again. `send` sends
        some parts (by `put`); by default one after the other. A part is held in memory while it is sent.
        Raises `FileChanged`, `Invalid`, `NotFound` (UPLOAD_GONE: begin anew), `ConnectionFailed`, `OSError`.
        """
        file = LocalFile.at(path)
        if file.size <= (part_bytes or ONE_REQUEST_BYTES):
            return await self._whole(file, key, progress)
        upload = resume or await self._begin({"key": key, "size": file.size, "part_bytes": part_bytes})
        if begun is not None:
            begun(upload)
        of: dict[str, object] = {
            "key": key,
            "upload_id": upload.upload_id,
            "size": file.size,
            "part_bytes": part_bytes_of(upload),
        }
        digests: list[bytes] = []
        for window in windows(file.size, part_bytes_of(upload)):
            sums = [sha256_of(file.read(start, size)) for _, start, size in window]
            digests += sums
            await self._window(file, of, window, sums, send or self._one_by_one, progress)
        file.check()
        body = {**of, "checksum": checksum_of(digests)}
        return decode(Uploaded, await self._http.call("POST", "/v1/uploads/complete", body=body, repeatable=True))

    async def abort(self, key: str, upload_id: str) -> None:
        """Remove an upload in parts that is not complete. Nothing happens if it is gone."""
        body = {"key": key, "upload_id": upload_id}
        await self._http.call("POST", "/v1/uploads/abort", body=body, repeatable=True)

    async def put(self, piece: Piece) -> str:
        """Send a part of a file, and return its ETag.

        Raises `FileChanged`, `LinkExpired`, `NotFound` (UPLOAD_GONE), `ConnectionFailed`, `OSError`.
        """
        etag = await self._put(piece.file, piece.link, piece.file.read(piece.start, piece.size))
        piece.arrived()
        return etag

    async def _begin(self, body: dict[str, object]) -> Upload:
        body = {name: value for name, value in body.items() if value is not None}
        return decode(Upload, await self._http.call("POST", "/v1/uploads", body=body, repeatable=True))

    async def _whole(self, file: LocalFile, key: str, progress: Progress | None) -> Uploaded:
        body = file.read(0, file.size)
        upload = await self._begin({"key": key, "size": file.size, "sha256": base64_of(sha256_of(body))})
        if upload.link is None:
            raise UnexpectedAnswer("the service's answer to POST /v1/uploads has no link")
        etag = await self._put(file, upload.link, body)
        if progress is not None:
            progress(file.size)
        return Uploaded(uri=upload.uri, etag=etag, raw={"uri": upload.uri, "etag": etag})

    async def _window(
        self,
        file: LocalFile,
        of: dict[str, object],
        window: Sequence[tuple[int, int, int]],
        sums: Sequence[bytes],
        send: Send,
        progress: Progress | None,
    ) -> None:
        """Send those parts that are not there. If links expire meanwhile, ask for the rest again."""
        counted: set[int] = set()

        def arrived(number: int) -> None:
            if progress is not None and number not in counted:
                progress(places[number][1])
            counted.add(number)

        named = [
            {"number": number, "sha256": base64_of(digest)} for (number, _, _), digest in zip(window, sums, strict=True)
        ]
        places = {number: (start, size) for number, start, size in window}
        for attempt in range(1, ATTEMPTS + 1):
            body = {**of, "parts": named}
            answer = await self._http.call("POST", "/v1/uploads/parts", body=body, repeatable=True)
            pieces: list[Piece] = []
            for part in decode(PartLinks, answer).parts:
                if part.link is None:
                    arrived(part.number)
                else:
                    pieces.append(Piece(file, *places[part.number], part.link, partial(arrived, part.number)))
            try:
                await send(pieces)
            except LinkExpired:
                if attempt == ATTEMPTS:
                    raise
                await self._sleep(backoff(attempt))
            else:
                return

    async def _one_by_one(self, pieces: Sequence[Piece]) -> None:
        for piece in pieces:
            await self.put(piece)

    async def _put(self, file: LocalFile, link: UploadLink, body: bytes) -> str:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                answer = await self._http.files.put(link.url, content=body, headers=dict(link.headers))
            except httpx.RequestError as error:
                if attempt == ATTEMPTS:
                    raise ConnectionFailed(f"{file.path} could not be uploaded: {type(error).__name__}") from None
            else:
                if answer.is_success:
                    return str(answer.headers.get("etag", "")).strip('"')
                refusal = refusal_of_store(answer, file)
                if refusal is not None:
                    raise refusal
                if attempt == ATTEMPTS:
                    raise ConnectionFailed(f"S3 answered {answer.status_code} to the upload of {file.path}")
            await self._sleep(backoff(attempt))
        raise AssertionError("the last attempt returns or raises")
