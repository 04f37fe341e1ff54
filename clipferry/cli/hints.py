"""Say what to do next after an error."""

import re
from urllib.parse import urlsplit

import click

from clipferry.errors import (
    ApiError,
    ClipferryError,
    ConnectionFailed,
    ServerError,
    Throttled,
    Unauthorized,
    UnexpectedAnswer,
)
from clipferry.models.errors import WaitTimeout

_NEXT = {
    "FORBIDDEN": "`clipferry keys current` describes the key; `clipferry login` saves another one",
    "UNKNOWN_INTEGRATION": "`clipferry integrations list` shows the saved ones",
    "INTEGRATION_MISMATCH": "`clipferry integrations show ID` says what it opens",
    "CREDENTIALS_REJECTED": "save the integration again with valid credentials: `clipferry integrations add --help`",
    "CREDENTIALS_LOST": "save the integration again with its credentials: `clipferry integrations add --help`",
    "CANNOT_ASSUME_ROLE": "`clipferry integrations show ID` prints the policies that the role needs",
    "LIMIT_EXCEEDED": "import it in parts: with a longer --prefix, or with --include and --exclude",
    "BODY_TOO_LARGE": 'write the URIs to an object, one {"uri": "s3://..."} per line, and import it with --manifest',
    "ALREADY_ENDED": "`clipferry status ID` shows how it ended",
    "NOT_ENDED": "`clipferry status ID --watch` waits for its end, `clipferry cancel ID` stops it",
    "REPORT_PENDING": "try again in a few seconds, or wait with --wait SECONDS",
    "CLIP_NOT_THERE": "`clipferry clips show ID` shows its status",
    "NO_WEBHOOK": "an import needs --webhook URL, a watch settings with notify.webhook_url and a loss of access",
    "NO_REPORT": "`clipferry clips ID --json` prints the same rows",
    "NOTHING_TO_RETRY": "`clipferry clips ID` shows how each clip ended",
    "IDEMPOTENCY_CONFLICT": "a new request needs a new --idempotency-key",
    "FOLDER_EXISTS": "`clipferry folders list` shows it",
    "UNKNOWN_EXECUTION_SETTINGS": "`clipferry presets list` shows the saved ones",
    "DELETE_SOURCE_REFUSED": "`clipferry integrations change --help` shows how an integration allows it",
    "EVENTS_UNAVAILABLE": "give --every or --cron without --events",
    "INVALID_SCHEDULE": "`clipferry watches add --help` shows examples",
    "TOO_MANY_WATCHES": "`clipferry watches list` shows them, `clipferry watches delete ID` deletes one",
    "INVALID_URI": "URIs look like s3://bucket/key, gs://bucket/object or hf://buckets/namespace/name/path",
}
_LISTS = {
    "clips": "`clipferry clips list IMPORT` shows an import's clips, `clipferry clips find` those of all imports",
    "folders": "`clipferry folders list` shows the project's folders",
    "presets": "`clipferry presets list` shows the project's presets",
    "settings": "`clipferry presets list` shows the project's presets",
    "integrations": "`clipferry integrations list` shows the project's integrations",
    "watches": "`clipferry watches list` shows the project's watches",
    "keys": "`clipferry keys list` shows all keys",
}
_IDS = ("import_id", "integration_id", "clip_id")
"""Arguments that stand for ID in a hint."""
_FIELD = re.compile(r"((?:\w+\.)*(\w+))(?:\[\d+\])?(?: |:)")
_OWN_PATHS = re.compile(r"/(v1(/.*)?|docs|openapi\.json)$")
"""Paths that the client adds to the base URL itself, or that a browser shows."""


def what_next(error: ClipferryError, context: click.Context, base_url: str | None) -> str | None:
    """A sentence with commands in backticks; None if the error itself says it all."""
    hint = _hint(error, context, base_url)
    given = next((context.params[name] for name in _IDS if context.params.get(name)), None)
    return re.sub(r"\bID\b", lambda _: str(given), hint) if hint and given else hint


def _hint(error: ClipferryError, context: click.Context, base_url: str | None) -> str | None:
    wrong_place = isinstance(error, UnexpectedAnswer) or (
        isinstance(error, ApiError) and error.status in (401, 403, 404)
    )
    own_path = _OWN_PATHS.search(urlsplit(base_url or "").path)
    if base_url and own_path and wrong_place:
        return (
            f"the base URL must end before {own_path[0]}: `clipferry login --base-url {base_url[: -len(own_path[0])]}`"
        )
    if isinstance(error, Unauthorized):
        if context.command.name == "login":
            return "check that the key was copied whole; `clipferry keys create`, with the admin key, makes a new one"
        return "`clipferry login` saves a key; CLIPFERRY_API_KEY overrides it"
    if isinstance(error, ConnectionFailed):
        return "`clipferry profile list` shows the URL of the service; if it is right, try again later"
    foreign = isinstance(error, ApiError) and not error.code and error.status in (400, 403, 404, 405)
    if isinstance(error, UnexpectedAnswer) or foreign:
        return "`clipferry profile list` shows the URL of the service; it must be the BaseUrl of `cdk deploy`"
    if isinstance(error, WaitTimeout):
        return f"`clipferry status {error.job.id} --watch` comes back to it, `clipferry cancel {error.job.id}` stops it"
    if not isinstance(error, ApiError):
        return None
    if error.code == "CANNOT_ACCESS":
        return _access(context)
    if error.code == "NOT_FOUND":
        imports = "`clipferry imports list` shows the project's imports"
        return imports if "import_id" in context.params else _LISTS.get(_noun(context), imports)
    if error.code in _NEXT:
        return _NEXT[error.code]
    if isinstance(error, (ServerError, Throttled)):
        return "try again later; the service's logs have the request under its id"
    return _option(error.message, context)


def _option(message: str, context: click.Context) -> str | None:
    """Name the option of the field that a message begins with, unless both have the same name."""
    named = _FIELD.match(message)
    for parameter in context.command.params if named else ():
        option = parameter.opts[0]
        if named and parameter.name == named[2] and option.lstrip("-").replace("-", "_") != named[2]:
            return f"{named[1]} is {option} here"
    return None


def _access(context: click.Context) -> str:
    """The bucket, the saved credentials or the service's own permission may be at fault: only a test can tell."""
    if context.params.get("integration_id"):
        return "`clipferry integrations test ID` shows what its credentials can open"
    return (
        "`clipferry integrations list` shows the saved access to buckets, `clipferry integrations test` tries it, "
        "`clipferry integrations add` saves another one"
    )


def _noun(context: click.Context) -> str:
    """`integrations`, for a verb of that group."""
    parent = context.parent
    return (parent.info_name or "") if parent is not None and parent.parent is not None else ""
