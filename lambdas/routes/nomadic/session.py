"""Describe the caller's key, and refuse calls that have no counterpart here."""

from aws_lambda_powertools.event_handler.api_gateway import Router

from lambdas.routes.caller import project_of
from lambdas.routes.nomadic.common import TAGS
from lambdas.schemas.nomadic.session import VerifiedView
from service.domain.errors import NotSupported

router = Router()  # type: ignore[no-untyped-call]  # Powertools leaves it untyped


@router.post("/api/keys/verify", summary="Describe the key of this request", tags=TAGS)
def verify_key() -> VerifiedView:
    return VerifiedView.of(*project_of(router))


@router.route(
    "/api/mcap/.+",
    method=["GET", "POST", "PUT", "PATCH", "DELETE"],
    include_in_schema=False,
)
def mcap() -> None:
    raise NotSupported("MCAP recordings are not imported here: list .mp4 objects, or use /v1/imports for a prefix")
