"""Upload files in parallel: several files, and several parts of a large one."""

from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from clipferry.cli.kept_uploads import KeptUploads
from clipferry.cli.upload_display import UploadDisplay
from clipferry.client import Clipferry
from clipferry.errors import ApiError, ClipferryError, FileChanged
from clipferry.models.uploads import Upload, Uploaded
from clipferry.parts import LocalFile, Piece

LOOK_SECONDS = 0.2
"""How often the display is drawn while files are uploaded."""


class CannotRead(ClipferryError):
    """A file cannot be read."""

    code = "CANNOT_READ"


@dataclass(frozen=True)
class Found:
    """A file, and the key below the inbox that it gets."""

    path: Path
    key: str


@dataclass(frozen=True)
class Failed:
    """A file that was not uploaded, for a reason of its own. The others go on."""

    found: Found
    error: ClipferryError


class Transfers:
    """Upload files with `client`, `jobs` requests to S3 at once. `part_bytes` as in `Uploads.file`."""

    def __init__(
        self, client: Clipferry, kept: KeptUploads, display: UploadDisplay, *, jobs: int, part_bytes: int | None
    ) -> None:
        self._client, self._kept, self._display = client, kept, display
        self._part_bytes = part_bytes
        self._files = ThreadPoolExecutor(jobs)
        # Apart from the files' threads: these wait for parts, which need threads to be free.
        self._parts = ThreadPoolExecutor(jobs)
        self._stopped = False

    def run(self, files: Sequence[Found]) -> Iterator[tuple[Found, Uploaded] | Failed]:
        """Yield each file when it is uploaded. Raises what would stop every file: no answer, a key that is refused."""
        running: dict[Future[Uploaded], Found] = {self._files.submit(self._upload, one): one for one in files}
        try:
            while running:
                done, _ = wait(running, timeout=LOOK_SECONDS, return_when=FIRST_COMPLETED)
                self._display.draw()
                for future in done:
                    found = running.pop(future)
                    try:
                        yield found, future.result()
                    except (FileChanged, CannotRead) as error:
                        yield Failed(found, error)
        finally:
            self._stopped = True
            self._parts.shutdown(wait=False, cancel_futures=True)
            self._files.shutdown(wait=True, cancel_futures=True)

    def _upload(self, found: Found) -> Uploaded:
        try:
            file = LocalFile.at(found.path)
            done = self._kept.done(found.key, file)
            if done is not None:
                self._display.add(file.size)
                return done
            uploaded = self._go_on(found, file, self._kept.begun(found.key, file))
        except OSError as error:
            raise CannotRead(f"cannot read {found.path}: {error.strerror}") from error
        self._kept.keep_done(found.key, file, uploaded)
        return uploaded

    def _go_on(self, found: Found, file: LocalFile, begun: Upload | None) -> Uploaded:
        """Upload a file, from where an earlier run ended. An upload that is gone begins anew."""
        try:
            return self._send(found, file, begun)
        except ApiError as error:
            if begun is None or error.code != "UPLOAD_GONE":
                raise
        return self._send(found, file, None)

    def _send(self, found: Found, file: LocalFile, begun: Upload | None) -> Uploaded:
        counted = 0

        def count(size: int) -> None:
            nonlocal counted
            counted += size
            self._display.add(size)

        try:
            return self._client.uploads.file(
                found.path,
                found.key,
                part_bytes=self._part_bytes,
                resume=begun,
                begun=lambda upload: self._kept.keep_begun(found.key, file, upload),
                progress=count,
                send=self._send_pieces,
            )
        except BaseException:
            self._display.add(-counted)
            raise

    def _send_pieces(self, pieces: Sequence[Piece]) -> None:
        if self._stopped:
            raise ClipferryError("the upload was stopped")
        sent = [self._parts.submit(self._client.uploads.put, piece) for piece in pieces]
        try:
            for one in sent:
                one.result()
        finally:
            for one in sent:
                one.cancel()
