"""Remember how far `clipferry upload` came, so that the same command goes on after a break.

A file in the user's cache folder has a line for each upload that began or was done. It is removed when all are done.
"""

import hashlib
import json
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from clipferry.models.uploads import Upload, Uploaded
from clipferry.parts import LocalFile


class KeptUploads:
    """The uploads of one command line. Without a cache folder that can be written nothing is remembered."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._last: dict[str, dict[str, Any]] = {}
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError):
            lines = []
        for line in lines:
            try:
                found = json.loads(line)
                self._last[str(found["key"])] = found
            except (ValueError, TypeError, KeyError):  # the line that a break has cut
                continue

    @classmethod
    def of(cls, base_url: str, project_key: str, paths: Sequence[Path], prefix: str) -> "KeptUploads":
        """`project_key` is the API key: only a hash of it is in the name of the file."""
        named = "\0".join([base_url, project_key, prefix, *(str(path.resolve()) for path in paths)])
        digest = hashlib.sha256(named.encode(errors="surrogateescape")).hexdigest()
        return cls(user_cache_path("clipferry") / "uploads" / f"{digest[:32]}.jsonl")

    def since(self, now: Callable[[], str]) -> str:
        """Return `now()` as it was in the first run."""
        if "" not in self._last:
            self._keep({"key": "", "since": now()})
        return str(self._last[""]["since"])

    def done(self, key: str, file: LocalFile) -> Uploaded | None:
        """Return the object that the unchanged file became in an earlier run."""
        found = self._found(key, file)
        if "etag" not in found:
            return None
        return Uploaded(uri=found["uri"], etag=found["etag"], raw={"uri": found["uri"], "etag": found["etag"]})

    def begun(self, key: str, file: LocalFile) -> Upload | None:
        """Return the upload in parts of an earlier run that the unchanged file can go on with."""
        found = self._found(key, file)
        if "upload_id" not in found:
            return None
        return Upload(
            uri=found["uri"],
            started_at=found["started_at"],
            upload_id=found["upload_id"],
            part_bytes=found["part_bytes"],
        )

    def keep_begun(self, key: str, file: LocalFile, upload: Upload) -> None:
        """Remember an upload in parts."""
        part = {"upload_id": upload.upload_id, "part_bytes": upload.part_bytes}
        self._keep({**_seen(key, file), "uri": upload.uri, "started_at": upload.started_at, **part})

    def keep_done(self, key: str, file: LocalFile, uploaded: Uploaded) -> None:
        """Remember a file that was uploaded."""
        self._keep({**_seen(key, file), "uri": uploaded.uri, "etag": uploaded.etag})

    def forget(self) -> None:
        """Remove the file: all uploads are done."""
        self._path.unlink(missing_ok=True)

    def _found(self, key: str, file: LocalFile) -> dict[str, Any]:
        found = self._last.get(key, {})
        return found if _seen(key, file).items() <= found.items() else {}

    def _keep(self, line: dict[str, Any]) -> None:
        with self._lock:
            self._last[line["key"]] = line
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                with self._path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(line) + "\n")
            except OSError:
                return


def _seen(key: str, file: LocalFile) -> dict[str, Any]:
    return {"key": key, "size": file.size, "modified_ns": file.modified_ns}
