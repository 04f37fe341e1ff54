"""S3 reads of versions: the emulator answers a range with the whole version, and has no tags of hidden versions."""

from typing import Any


def read_ranges_of_versions(s3: Any) -> None:
    """Answer GetObject with `Range` and `versionId` like S3: 206 with the range, 416 if it begins after the end."""
    get = s3._get_object

    def get_object(bucket: str, key: str, headers: dict[str, str], query: Any = None) -> Any:
        asked = headers.get("range")
        if not asked or not s3._qp(query or {}, "versionId", ""):
            return get(bucket, key, headers, query)
        # S3 sends no checksum of the whole object with a part of it.
        whole = {name: value for name, value in headers.items() if name not in ("range", "x-amz-checksum-mode")}
        status, answered, body = get(bucket, key, whole, query)
        if status != 200:
            return status, answered, body
        span = s3._parse_range(asked, len(body))
        if span is None:
            refused = {"Content-Type": "application/xml", "Content-Range": f"bytes */{len(body)}"}
            return 416, refused, s3._xml_body(s3._range_error_xml(bucket, key))
        first, last = span
        part = body[first : last + 1]
        sent = {"Content-Length": str(len(part)), "Content-Range": f"bytes {first}-{last}/{len(body)}"}
        return 206, answered | sent, part

    s3._get_object = get_object


def read_tags_of_versions(s3: Any) -> None:
    """Answer GetObjectTagging with a `versionId` also where a delete marker hides the key, like S3."""
    tags = s3._get_object_tagging

    def get_object_tagging(bucket_name: str, key: str, query: Any = None) -> Any:
        bucket, version = s3._ensure_bucket(bucket_name), s3._qp(query or {}, "versionId", "")
        hidden = bucket is not None and key not in bucket["objects"]
        if not hidden or not version or s3._no_such_version(bucket_name, key, query) is not None:
            return tags(bucket_name, key, query)
        root = s3.Element("Tagging", xmlns=s3.S3_NS)
        tag_set = s3.SubElement(root, "TagSet")
        for name, value in s3._object_tags.get((bucket_name, key, version), {}).items():
            tag = s3.SubElement(tag_set, "Tag")
            s3.SubElement(tag, "Key").text = name
            s3.SubElement(tag, "Value").text = value
        return 200, {"Content-Type": "application/xml", "x-amz-version-id": version}, s3._xml_body(root)

    s3._get_object_tagging = get_object_tagging
