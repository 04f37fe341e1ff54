"""Name the ETag on whose condition a request deletes an object to the roles' policies (`s3:if-match`), as S3 does."""

from typing import Any
from xml.etree import ElementTree as ET

_KEY = "s3:if-match"


def name_conditions(actions: Any, evaluator: Any) -> None:
    """Change the emulator's `iam_actions` and `iam_evaluator`, which do not know the key.

    The emulator reads a request's objects before it checks the role for each of them.
    """
    targets, context, enforce = actions._s3_batch_delete_targets, actions.s3_service_context, evaluator.enforce
    named: dict[str, str | None] = {}
    """The ETag by the ARN of each object of the last request."""

    def targets_named(bucket: str, body: bytes) -> Any:
        found = targets(bucket, body)
        named.clear()
        if found:
            objects = [one for one in ET.fromstring(body) if one.tag.endswith("Object")]
            for item in objects:
                fields = {child.tag.rpartition("}")[2]: child.text for child in item}
                named[f"arn:aws:s3:::{bucket}/{fields.get('Key')}"] = fields.get("ETag")
        return found

    def context_named(action: str, query: Any, path: str = "", headers: Any = None) -> Any:
        found = context(action, query, path, headers)
        etag = (headers or {}).get("if-match") if action == "s3:DeleteObject" else None
        return {**found, _KEY: etag} if etag else found

    def enforce_named(
        access_key: str, action: str, service: str, region: str, resource_arn: str = "*", service_context: Any = None
    ) -> Any:
        etag = named.get(resource_arn) if action == "s3:DeleteObject" else None
        if etag:
            service_context = {**(service_context or {}), _KEY: etag}
        return enforce(access_key, action, service, region, resource_arn, service_context)

    actions._s3_batch_delete_targets, actions.s3_service_context = targets_named, context_named
    evaluator.enforce = enforce_named
