"""Read the pages of S3's ListObjectVersions, for every client that sends it."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from service.domain.archives import archive_listed, hides_archive
from service.domain.objects import ListedObject
from service.domain.versions import Version
from service.support.clock import timestamp

NO_VERSION = "null"
"""Version id of objects in buckets without versions, or from before them (S3 user guide, "Versioning")."""

Fetch = Callable[[Mapping[str, str]], Mapping[str, Any]]
"""Gives botocore's answer to a request with these further parameters, which say where the page begins."""


def version_pages(
    fetch: Fetch, check_versioned: Callable[[], object], *, start_after: str = ""
) -> Iterator[list[Version]]:
    """Yield the versions and delete markers of all keys after `start_after`, by key, of each key the newest first.

    `check_versioned` raises an error if the bucket keeps no versions. It is called unless the first page shows some.
    """
    after, first = {"KeyMarker": start_after} if start_after else {}, True
    while True:
        answer = fetch(after)
        listed = [_version(item) for item in answer.get("Versions", [])]
        listed += [_marker(item) for item in answer.get("DeleteMarkers", [])]
        if first and all(one.found is not None and one.found.version == NO_VERSION for one in listed):
            check_versioned()
        first = False
        yield sorted((one for one in listed if one.key > start_after), key=lambda one: one.key)
        if not answer.get("IsTruncated"):
            return
        after = {"KeyMarker": answer["NextKeyMarker"], "VersionIdMarker": answer["NextVersionIdMarker"]}


def _version(item: Mapping[str, Any]) -> Version:
    found = ListedObject(
        key=item["Key"],
        size=item["Size"],
        etag=item["ETag"].strip('"'),
        version=item["VersionId"],
        modified=timestamp(item["LastModified"]),
        archive=archive_listed(item),
        archive_hidden=hides_archive(item.get("StorageClass")),
    )
    return Version(key=found.key, modified=found.modified or "", found=found, latest=bool(item.get("IsLatest")))


def _marker(item: Mapping[str, Any]) -> Version:
    latest = bool(item.get("IsLatest"))
    return Version(key=item["Key"], modified=timestamp(item["LastModified"]), found=None, latest=latest)
