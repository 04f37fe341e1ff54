"""Find the imports that uploads started or joined, and follow them to their end."""

import time
from collections.abc import Collection
from typing import NoReturn

from clipferry.cli import exits
from clipferry.cli.app import App
from clipferry.cli.follow import follow
from clipferry.client import Clipferry
from clipferry.job import Import

LOOK_SECONDS = 1.0
"""Pause between two looks for imports."""
APPEAR_SECONDS = 300.0
"""How long uploads may take to appear in imports: events come within seconds, and gather for some more."""
LOOKED_AT = 20
"""Newest imports of uploads that are searched."""
UNPLANNED = ("PENDING", "PLANNING")


def last_end(client: Clipferry) -> str:
    """Return when the last import of uploads ended, which none can join any more; the empty text if there is none."""
    ended = [job.completed_at for job in client.imports.list(trigger="upload", limit=LOOKED_AT) if job.completed_at]
    return max(ended, default="")


def follow_uploads(app: App, uris: Collection[str], *, since: str, timeout: float | None) -> NoReturn:
    """Follow each import that has one of the uploads, and end the program with the worst exit code."""
    begun = time.monotonic()
    wanted, code = set(uris), exits.OK
    checked: set[str] = set()
    while wanted:
        for job in app.client.imports.list(trigger="upload", limit=LOOKED_AT):
            if job.id in checked or (job.completed_at and job.completed_at <= since) or job.status in UNPLANNED:
                continue
            checked.add(job.id)
            found = wanted & _sources(app.client, job)
            if not found:
                continue
            wanted -= found
            app.out.say(f"import {job.id}")
            left = None if timeout is None else max(0.0, timeout - (time.monotonic() - begun))
            try:
                follow(app, job, timeout=left)
            except SystemExit as end:
                if end.code == exits.INTERRUPTED:
                    raise
                code = max(code, int(end.code or 0))
        if wanted and time.monotonic() - begun > (APPEAR_SECONDS if timeout is None else timeout):
            raise exits.NotImported(f"{len(wanted):,} uploads are in no import yet, such as {min(wanted)}")
        if wanted:
            time.sleep(LOOK_SECONDS)
    raise SystemExit(code)


def _sources(client: Clipferry, job: Import) -> set[str]:
    """Return the URIs that the import takes. An uploaded manifest is the source of its import."""
    if job.source.kind == "manifest":
        return {job.source.uri or ""}
    return {clip.source_uri for clip in client.imports.clips(job.id)}
