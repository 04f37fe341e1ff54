"""Show rules of `service.domain` in the OpenAPI document. The domain checks them, with codes of its own."""

from typing import Any

from service.domain.limits import MAX_NAME

_ACCESS_POINT = r"arn:aws[a-z-]*:s3:[a-z]{2}[a-z0-9-]+:[0-9]{12}:accesspoint/[a-z0-9][a-z0-9-]{1,48}[a-z0-9]"
_S3 = rf"s3://([a-z0-9][a-z0-9.-]{{1,61}}[a-z0-9]|{_ACCESS_POINT})"
_GS = r"gs://[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]"
_HF_NAME = "[A-Za-z0-9][A-Za-z0-9._-]{0,95}"
_HF = (
    rf"hf://(buckets/{_HF_NAME}/{_HF_NAME}|(datasets|models)/{_HF_NAME}/{_HF_NAME}(@([A-Za-z0-9._-]|%2[Ff]){{1,255}})?)"
)

OBJECT_URI: dict[str, Any] = {"pattern": rf"^({_S3}|{_GS}|{_HF})/[\s\S]+$"}
PREFIX_URI: dict[str, Any] = {"pattern": rf"^({_S3}|{_GS}|{_HF})(/[\s\S]*)?$"}
_NAME = "[A-Za-z0-9][A-Za-z0-9._-]*"
BUCKET: dict[str, Any] = {"pattern": rf"^({_NAME}(/{_NAME}){{0,2}}|{_ACCESS_POINT})$"}
PRESET_ID: dict[str, Any] = {"pattern": "^es_[0-9a-f]{24}$"}
GT_CLIP_ID: dict[str, Any] = {
    "minLength": 1,
    "maxLength": MAX_NAME,
    "pattern": r"^[^./\x00-\x1f\x7f-\x9f\u2028\u2029]+$",
}
INTEGRATION_ID: dict[str, Any] = {"pattern": "^in_[0-9a-f]{24}$"}
CLIP_ID: dict[str, Any] = {"pattern": "^ij_[0-9a-f]{24}-(0|[1-9][0-9]{0,9})$"}
ROLE_ARN: dict[str, Any] = {"pattern": r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/clipferry-[A-Za-z0-9_+=,.@-]{1,54}$"}


def exactly_one_of(*names: str) -> dict[str, Any]:
    """For an object's schema. `null` counts as absent."""
    null, given = {"type": "null"}, {"not": {"type": "null"}}
    return {
        "oneOf": [
            {"required": [name], "properties": {other: given if other == name else null for other in names}}
            for name in names
        ]
    }


def one_or_more(item: dict[str, Any]) -> dict[str, Any]:
    """For a list of texts."""
    return {"minItems": 1, "items": {"type": "string", **item}}


def only_with(name: str, other: str) -> dict[str, Any]:
    """For an object's schema: `name` needs `other`. `null` counts as absent."""
    null = {"type": "null"}
    return {"not": {"required": [name], "properties": {name: {"not": null}, other: null}}}


def not_both(first: str, second: str) -> dict[str, Any]:
    """For an object's schema: `second` may be null beside `first`."""
    return {"not": {"required": [first, second], "properties": {second: {"not": {"type": "null"}}}}}
