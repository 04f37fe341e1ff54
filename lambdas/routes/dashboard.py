"""`/app/`: the files of the dashboard, as `make setup` built them. They need no key, since they hold no data."""

from functools import cache
from http import HTTPStatus
from pathlib import Path

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from lambdas.routes.container import container_of
from service.domain.errors import NotFound

BUILT = Path(__file__).resolve().parents[2] / "dashboard" / "dist"
"""The same place in the checkout and in the bundle."""
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".txt": "text/plain"}
KEPT = "public, max-age=31536000, immutable"
"""For names that hold a hash of their content."""

router = Router()  # type: ignore[no-untyped-call]  # Powertools leaves it untyped


@router.get("/app", include_in_schema=False)
def page() -> Response[str]:
    """Send the page. It names its files relative to its own folder, so a path without the slash leads to the other."""
    if not router.current_event.path.endswith("/"):
        return Response(status_code=HTTPStatus.FOUND, headers={"Location": "app/"}, body="")
    container = container_of(router)
    headers = {"Content-Security-Policy": policy(container.links.origin, container.upload_origin)}
    return Response(
        status_code=HTTPStatus.OK, content_type="text/html; charset=utf-8", headers=headers, body=read("index.html")
    )


@router.get("/app/assets/<name>", include_in_schema=False)
def asset(name: str) -> Response[str]:
    """Send one built file. Raises `NotFound`, also for files of an earlier deployment: the page then loads anew."""
    if name not in names():
        raise NotFound("this file of the dashboard is not there: reload the page")
    return Response(
        status_code=HTTPStatus.OK,
        content_type=f"{TYPES[Path(name).suffix]}; charset=utf-8",
        headers={"Cache-Control": KEPT},
        body=read(f"assets/{name}"),
    )


def policy(clips: str, uploads: str) -> str:
    """Content-Security-Policy of the page: its own files, and requests to this API and to two buckets' origins."""
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        f"connect-src 'self' {clips} {uploads}; media-src 'self' {clips}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


@cache
def names() -> frozenset[str]:
    return frozenset(path.name for path in (BUILT / "assets").iterdir() if path.suffix in TYPES)


@cache
def read(name: str) -> str:
    """Raises `NotFound` where nobody built the dashboard."""
    try:
        return (BUILT / name).read_text("utf-8")
    except FileNotFoundError as error:
        raise NotFound("this deployment has no dashboard: run `make setup` and deploy again") from error
