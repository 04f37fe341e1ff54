"""`clipferry upload`"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from clipferry.cli import exits
from clipferry.cli.app import App, complain
from clipferry.cli.follow import watchable
from clipferry.cli.joined import follow_uploads, last_end
from clipferry.cli.kept_uploads import KeptUploads
from clipferry.cli.text import size
from clipferry.cli.transfers import Failed, Found, Transfers
from clipferry.cli.upload_display import UploadDisplay
from clipferry.cli.values import Count
from clipferry.cli.values import size as parse_size
from clipferry.cli.verbs import verb
from clipferry.errors import Invalid
from clipferry.models.uploads import Uploaded

JOBS = 8
"""Requests to S3 at once. Each holds a part in memory."""


@verb()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(exists=True, path_type=Path))
@click.option("--prefix", default="", metavar="TEXT", help="Put this text before each key, such as 2026/.")
@click.option(
    "--jobs",
    type=Count(1, 64),
    metavar="N",
    default=JOBS,
    show_default=True,
    help="Send at most N requests at the same time.",
)
@click.option(
    "--part-size",
    "part_bytes",
    type=parse_size,
    metavar="SIZE",
    help="Upload larger files in parts of this size, from 5MiB.",
)
@watchable
def upload(
    app: App,
    *,
    paths: Sequence[Path],
    prefix: str,
    jobs: int,
    part_bytes: int | None,
    watch: bool,
    timeout: float | None,
) -> None:
    """Upload files and folders, which are then imported. The same command goes on after a break.

    A folder's files keep its name: `clipferry upload night` uploads night/a.zip. Files whose names begin with a dot are
    left out of folders.
    """
    files = list(_files(paths, prefix))
    if not files:
        raise exits.NothingFound(f"there is no file in {', '.join(map(str, paths))}")
    where = app.client.where
    kept = KeptUploads.of(where.base_url, where.api_key, paths, prefix)
    since = kept.since(lambda: last_end(app.client))
    total = sum(one.path.stat().st_size for one in files)
    failed: list[Failed] = []
    done: list[Uploaded] = []

    def uploaded(display: UploadDisplay) -> Iterator[Uploaded]:
        for one in Transfers(app.client, kept, display, jobs=jobs, part_bytes=part_bytes).run(files):
            if isinstance(one, Failed):
                failed.append(one)
                complain(app.out, {"code": one.error.code, "message": str(one.error)}, one.error.code)
                continue
            done.append(one[1])
            yield one[1]

    try:
        with UploadDisplay(app.out, total=total) as display:
            if app.out.for_people:
                for _ in uploaded(display):
                    pass
            else:
                app.out.rows(Uploaded, uploaded(display), {"uri": "uri", "etag": "etag"})
    except BaseException as error:
        if not isinstance(error, Invalid):
            app.out.hint("What was uploaded stays. The same command goes on from there.")
        raise
    app.out.say(f"uploaded {len(done):,} of {len(files):,} files, {size(total)} in all", "red" if failed else "green")
    if failed:
        raise SystemExit(exits.REFUSED)
    kept.forget()
    if watch:
        follow_uploads(app, [one.uri for one in done], since=since, timeout=timeout)
    app.out.hint("They are imported:  clipferry imports list --trigger upload")


def _files(paths: Sequence[Path], prefix: str) -> Iterator[Found]:
    """Yield all files with their keys. Raises `click.UsageError` if two have the same."""
    seen: dict[str, Path] = {}
    for path in paths:
        base = path.resolve().parent
        inside = path.is_dir()
        for one in sorted(path.resolve().rglob("*")) if inside else [path.resolve()]:
            names = one.relative_to(base)
            hidden = any(part.startswith(".") for part in one.relative_to(path.resolve()).parts)
            if not one.is_file() or (inside and hidden):
                continue
            key = prefix + names.as_posix()
            if key in seen and seen[key] != one:
                raise click.UsageError(f"{seen[key]} and {one} would have the same key {key}")
            if key not in seen:
                seen[key] = one
                yield Found(one, key)
