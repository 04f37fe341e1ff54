"""The objects that examples of answers show."""

from typing import Any

Json = dict[str, Any]

JOB = "ij_0123456789abcdef01234567"
KEY = "key_0123456789abcdef"
WHEN = "2026-11-29T09:00:00.000Z"
LATER = "2026-11-29T09:01:30.000Z"
COUNTS = {"total": 4, "pending": 0, "copied": 2, "skipped": 1, "failed": 1, "cancelled": 0, "bytes": 77_300}

SETTINGS: Json = {
    "on_existing": "skip",
    "content_validation": "structure",
    "storage_class": None,
    "keep_metadata": True,
    "keep_tags": True,
    "notify": {"webhook_url": None, "event": True},
    "destination": None,
    "max_concurrency": None,
    "tolerated_failures": None,
    "stationary_extrapolation": False,
    "archived": "fail",
    "delete_source": "never",
    "restore": {"tier": "bulk", "days": 3},
    "members": "files",
}

IMPORT: Json = {
    "id": JOB,
    "status": "COMPLETED_WITH_ERRORS",
    "project": "perception",
    "source": {"kind": "prefix", "uri": "s3://my-clips/2026/", "count": None, "as_of": None},
    "trigger": "api",
    "door": "api",
    "key_id": KEY,
    "watch_id": None,
    "folder": None,
    "labels": ["night"],
    "run_name_prefix": None,
    "test_run_group_name": "import-2026-11-29-234567",
    "filters": None,
    "settings": SETTINGS,
    "execution_settings_id": None,
    "integration_id": None,
    "created_at": WHEN,
    "updated_at": LATER,
    "completed_at": LATER,
    "cancel_requested": False,
    "run": 0,
    "runs": [],
    "counts": COUNTS,
    "failed_before": 0,
    "rate": {"clips": 2.5, "bytes": 64_000.0},
    "eta_seconds": None,
    "restores": None,
    "code": "CLIPS_FAILED",
    "message": "1 of 4 clips failed",
    "webhook": None,
}

ACCEPTED = IMPORT | {
    "status": "PENDING",
    "updated_at": WHEN,
    "completed_at": None,
    "counts": dict.fromkeys(COUNTS, 0),
    "rate": None,
    "code": None,
    "message": None,
}

CLIP: Json = {
    "id": f"{JOB}-0",
    "status": "COPIED",
    "source_uri": "s3://my-clips/2026/a.zip",
    "destination": "s3://clips-bucket/perception/-/my-clips/2026/a.zip",
    "run_name": "a",
    "clip_id": "a",
    "original_clipgt_url": "s3://my-clips/2026/a.zip",
    "size": 38_650,
    "etag": "9b2cf535f27731c974343645a3985328",
    "verified": "etag",
    "facts": None,
    "code": None,
    "message": None,
    "view": None,
    "set": None,
    "deleted_at": None,
    "extrapolation": None,
    "content": "valid",
    "content_code": None,
    "content_message": None,
    "overruled": None,
    "source_deleted": None,
    "source_kept_code": None,
    "source_kept_message": None,
}

FAILED = CLIP | {
    "id": f"{JOB}-1",
    "status": "FAILED",
    "source_uri": "s3://my-clips/2026/b.zip",
    "original_clipgt_url": "s3://my-clips/2026/b.zip",
    "destination": "s3://clips-bucket/perception/-/my-clips/2026/b.zip",
    "verified": None,
    "content": None,
    "code": "SOURCE_CHANGED",
    "message": "the object is no longer the one that was planned",
}

FOUND = CLIP | {
    "import_id": JOB,
    "folder": None,
    "labels": ["night"],
    "test_run_group_name": "import-2026-11-29-234567",
}

INTEGRATION: Json = {
    "id": "in_0123456789abcdef01234567",
    "name": "partner",
    "type": "s3",
    "bucket": "partner-clips",
    "prefix": "2026/",
    "region": "eu-central-1",
    "endpoint_url": None,
    "role_arn": None,
    "requester_pays": False,
    "allow_delete": False,
    "external_id": None,
    "trust_policy": None,
    "permission_policy": None,
    "created_at": WHEN,
    "created_by": KEY,
    "last_used": None,
}

WATCH: Json = {
    "id": "wa_0123456789abcdef01234567",
    "name": "nightly",
    "root_path": "s3://my-clips/",
    "integration_id": None,
    "filters": None,
    "settings": SETTINGS,
    "execution_settings_id": None,
    "folder": None,
    "labels": [],
    "schedule": {"cron": "0 2 * * *", "time_zone": "Europe/Berlin", "every": None},
    "events": False,
    "events_setup": None,
    "paused": False,
    "status": "ACTIVE",
    "failure": None,
    "next_run_at": "2026-11-30T01:00:00.000Z",
    "last_run": None,
    "created_at": WHEN,
    "updated_at": WHEN,
    "created_by": KEY,
}

PRESET: Json = {
    "id": "es_0123456789abcdef01234567",
    "name": "archive",
    "description": None,
    "settings": {"storage_class": "GLACIER_IR", "content_validation": "deep"},
    "created_at": WHEN,
    "updated_at": WHEN,
}

FOLDER: Json = {
    "id": "fd_0123456789abcdef01234567",
    "name": "highway",
    "scope": "user",
    "description": "Clips of highways",
    "created_at": WHEN,
    "created_by": KEY,
}

API_KEY = {"id": KEY, "project": "perception", "name": "my laptop", "created_at": WHEN}

ENTRY: Json = {
    "id": f"{WHEN}#0f6b2c1e6f0e4f0a",
    "time": WHEN,
    "action": "import.start",
    "subject": JOB,
    "door": "api",
    "key_id": KEY,
    "request_id": "0f6b2c1e-6f0e-4f0a-9d1a-2f7f5c1f9f11",
    "details": None,
}

TOTAL = {"count": 2, "bytes": 77_300}
NONE: Json = {"count": 0, "bytes": 0, "by_code": {}}

PREVIEW: Json = {
    "root_path": "s3://my-clips/2026/",
    **TOTAL,
    "keys": ["2026/a.zip", "2026/b.zip"],
    "by_extension": {".zip": TOTAL},
    "complete": True,
    "no_clips": 0,
    "sample": [
        {
            "run_name": "a",
            "source_uri": "s3://my-clips/2026/a.zip",
            "destination": "s3://clips-bucket/perception/-/my-clips/2026/a.zip",
            "size": 38_650,
            "action": "copy",
            "code": None,
            "message": None,
        }
    ],
    "outcome": {
        "to_copy": TOTAL,
        "to_skip": NONE,
        "to_fail": NONE,
        "archived": {"by_archive": {}, "restore": {}, "tier": None, "hours": None},
        "problems": [],
    },
    "estimate": {
        "cost": {
            "s3_requests": 2.6e-05,
            "lambda": 4.1e-05,
            "step_functions": 0.0004,
            "dynamodb": 1.1e-05,
            "total": 0.000478,
        },
        "storage_per_month": 1.7e-06,
        "seconds": 9,
        "currency": "USD",
        "price_region": "us-east-1",
        "prices_as_of": "2026-11-23",
    },
}

TIMELINE: Json = {
    "run": 0,
    "phases": [
        {"name": "planning", "run": 0, "started_at": WHEN, "ended_at": "2026-11-29T09:00:04.000Z"},
        {"name": "copying", "run": 0, "started_at": "2026-11-29T09:00:04.000Z", "ended_at": LATER},
    ],
    "points": [{"at": LATER, "done": {"copied": 2, "skipped": 1, "failed": 1, "cancelled": 0, "bytes": 77_300}}],
    "cost": {"so_far": 0.000486, "whole": 0.000486, "price_region": "us-east-1", "prices_as_of": "2026-11-23"},
}

REPORT = {
    "url": "https://state-bucket.s3.amazonaws.com/jobs/…?X-Amz-Signature=…",
    "uri": f"s3://state-bucket/jobs/{JOB}/report/20261129T090130000Z/clips.csv",
    "expires_at": "2026-11-29T10:01:30.000Z",
    "bytes": 1_024,
}

FAILURES = {
    "groups": [{"status": "FAILED", "code": "SOURCE_CHANGED", "count": 1, "failed_check": 0, "examples": [FAILED]}],
    "complete": True,
}

TESTED = {
    "ok": True,
    "checks": [{"action": name, "ok": True, "code": None, "message": None} for name in ("list", "read")],
}
WATCH_TESTED = {"ok": True, "checks": [{"action": "list", "ok": True, "code": None, "message": None}]}
WATCH_STATUS = WATCH | {
    "runs": [],
    "lag_seconds": None,
    "complete_until": None,
    "missed_by_events": None,
    "webhooks": [],
}
WATCH_WEBHOOK: Json = {
    "event_id": "wa_0123456789abcdef01234567-2026-11-29T08:00:00.000Z-failing",
    "type": "clipferry.watch.failing",
    "at": WHEN,
    "status": "PENDING",
    "attempts": 0,
    "last_status_code": None,
    "last_error": None,
    "last_attempt_at": None,
    "delivered_at": None,
    "next_attempt_at": WHEN,
}
SECRET = {"secret": "whsec_…", "previous_until": None}

WATCH_RUN: Json = {
    "id": JOB,
    "cause": "manual",
    "status": "PENDING",
    "created_at": WHEN,
    "completed_at": None,
    "counts": dict.fromkeys(COUNTS, 0),
    "failed_before": 0,
    "code": None,
    "message": None,
}

SHA256 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
"""A SHA-256, base64."""
UPLOAD_PARTS: Json = {"key": "2026/large.mp4", "upload_id": "2~example", "size": 50_000_000, "part_bytes": 16_777_216}
UPLOAD_LINK: Json = {
    "url": "https://drop-bucket.s3.amazonaws.com/inbox/perception/2026/a.zip?X-Amz-Signature=…",
    "headers": {"Content-Length": "19300", "x-amz-checksum-sha256": SHA256},
}

DEPLOYMENT: Json = {
    "stack_name": "Clipferry",
    "clips_bucket": "clips-bucket",
    "drop_bucket": "drop-bucket",
    "source_buckets": ["my-clips"],
    "requester_pays_buckets": [],
    "delete_source_buckets": [],
    "default_project": "default",
    "default_on_existing": "skip",
    "default_content_validation": "structure",
    "max_clips_per_import": 1_000_000,
    "max_clip_ids": 10_000,
    "max_active_imports": 50,
    "max_slow_requests": 4,
    "max_body_bytes": 5_000_000,
    "max_upload_bytes": 5_497_558_138_880,
    "longest_import_hours": 108,
    "preview_seconds": 8,
    "copy_slots": 400,
    "map_concurrency": 40,
    "copy_concurrency": 128,
    "copy_threads": 32,
    "stat_concurrency": 32,
    "batch_clips": 500,
    "batch_bytes": 107_374_182_400,
    "multipart_threshold_bytes": 1_073_741_824,
    "part_bytes": 268_435_456,
    "stream_part_bytes": 16_777_216,
    "audit_retention_days": 400,
    "row_retention_days": 90,
    "clip_url_seconds": 300,
    "upload_url_seconds": 900,
    "report_url_seconds": 3_600,
    "cors_origins": [],
    "allow_private_urls": False,
}

SLOTS = {"limit": 400, "held": 12, "waiting": 0}
HEALTH: Json = {
    "active": {"PENDING": 0, "PLANNING": 1, "COPYING": 2},
    "clips_pending": 6_100,
    "waiting_since": None,
    "slots": SLOTS,
    "ended": {"COMPLETED": 14, "COMPLETED_WITH_ERRORS": 1, "FAILED": 0, "CANCELLED": 0},
    "webhooks_failed": 0,
    "watches": {"ACTIVE": 3, "PAUSED": 0, "FAILING": 0},
    "complete": True,
}
DEPLOYMENT_HEALTH: Json = {
    "slots": SLOTS,
    "projects": [{"project": "perception", "held": 12, "waiting": 0}],
    "queues": [{"name": "Clipferry-UploadsDlq6240C8E0-abcdefghijkl", "waiting": 0, "in_flight": 0}],
    "alarms": [
        {
            "name": "Clipferry-MonitoringUploadDlq0A1B2C3D-abcdefghijkl",
            "state": "OK",
            "since": WHEN,
            "description": "Uploads, or objects of watched buckets, failed five times. See docs/runbook.md, UploadDlq.",
            "queue": "Clipferry-UploadsDlq6240C8E0-abcdefghijkl",
        }
    ],
}
