"""Names that callers give to clips, below the root of project and folder."""

from pathlib import PurePosixPath
from string import Formatter

from service.domain.destinations import folder_root
from service.domain.errors import InvalidDestination, InvalidRequest
from service.domain.uris import MAX_KEY_BYTES, Location

FIELDS = ("bucket", "key", "name", "stem", "extension", "ordinal", "job_id")
MAX_TEMPLATE = 512
"""Characters of a template."""


def check_template(template: str) -> None:
    """Check a template. Raises `InvalidRequest` if no clip could get a name from it."""
    if len(template) > MAX_TEMPLATE:
        raise InvalidRequest(f"settings.destination has {len(template):,} characters, the limit is {MAX_TEMPLATE:,}")
    try:
        pieces = list(Formatter().parse(template))
    except ValueError as error:
        raise InvalidRequest(f"settings.destination {template!a} is not a template: {error}") from error
    for _, field, spec, conversion in pieces:
        if field is not None and (field not in FIELDS or spec or conversion):
            known = ", ".join(f"{{{name}}}" for name in FIELDS)
            raise InvalidRequest(f"settings.destination has a field {field!a} that is not one of {known}")
    try:
        check_name(template.format(**dict.fromkeys(FIELDS, "x")))
    except InvalidDestination as error:
        raise InvalidRequest(f"settings.destination {template!a}: {error.message}") from error


def render(template: str, location: Location, *, ordinal: int, job_id: str) -> str:
    """Return the clip's name by a checked template. `{extension}` includes its dot."""
    name = location.key.rpartition("/")[2]
    path = PurePosixPath(name)
    return template.format(
        bucket=location.bucket,
        key=location.key,
        name=name,
        stem=path.stem,
        extension=path.suffix,
        ordinal=ordinal,
        job_id=job_id,
    )


def named_destination(project: str, folder: str | None, name: str) -> str:
    """Return the key of a clip named `name`. Raises `InvalidDestination`."""
    check_name(name)
    key = f"{folder_root(project, folder)}/{name}"
    size = len(key.encode())
    if size > MAX_KEY_BYTES:
        raise InvalidDestination(f"the destination would have {size:,} bytes, S3 allows {MAX_KEY_BYTES:,}")
    return key


def check_name(name: str) -> None:
    """Check that a name stays below its root, also for tools that resolve `..`. Raises `InvalidDestination`."""
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise InvalidDestination("the name is not valid Unicode") from error
    if not name or name.startswith("/") or name.endswith("/"):
        raise InvalidDestination("a name is not empty and neither begins nor ends with a slash")
    if {".", ".."} & set(name.split("/")):
        raise InvalidDestination("a name has no segments `.` and `..`")
