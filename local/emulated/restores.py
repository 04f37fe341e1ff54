"""Restores of archived objects: a test says how long they take, and their copies are STANDARD.

The emulator restores each object after two seconds. Its copies keep their source's storage class, where S3 makes them
STANDARD unless the request names another ("CopyObject", `x-amz-storage-class`).
"""

from typing import Any

from local.emulated.limits import Limits


def take_as_long(s3: Any, limits: Limits) -> None:
    """Change the emulator's `s3`. A test that lowers `restore_seconds` completes the restores that are under way."""
    sync = s3._sync_restore

    def sync_restore(bucket: str, key: str, found: Any) -> Any:
        restore = (found or {}).get("restore")
        if restore:
            restore["available_at"] = restore["requested_at"] + limits.restore_seconds
        return sync(bucket, key, found)

    s3._sync_restore = sync_restore


def copy_to_standard(s3: Any) -> None:
    """Change the emulator's `s3`: a copy has the storage class that its request names, else STANDARD."""
    copy = s3._copy_object

    def copy_object(bucket: str, key: str, headers: dict[str, str]) -> Any:
        return copy(bucket, key, {"x-amz-storage-class": "STANDARD", **headers})

    s3._copy_object = copy_object
