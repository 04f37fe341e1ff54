"""Examples of request bodies, by operation and title."""

from typing import Any

from lambdas.examples.values import SHA256, UPLOAD_PARTS

SOURCES: dict[str, dict[str, Any]] = {
    "A prefix of S3, with filters": {
        "root_path": "s3://my-clips/2026/",
        "filters": {"include": ["*.zip"], "exclude": ["night/"]},
        "labels": ["night"],
    },
    "A list of URIs": {"exact_paths": ["s3://my-clips/2026/a.zip", "s3://my-clips/2026/b.mp4"]},
    "A prefix as it was at a time": {"root_path": "s3://my-clips/2026/", "as_of": "2026-11-01T00:00:00Z"},
    "A manifest": {"manifest_uri": "s3://my-clips/lists/week-48.jsonl"},
    "Multi-view sets": {
        "sets": [
            {
                "name": "drive-7",
                "views": {"front": "s3://my-clips/drive-7/front.mp4", "rear": "s3://my-clips/drive-7/rear.mp4"},
            }
        ]
    },
    "A prefix of Google Cloud Storage": {"root_path": "gs://fleet-recordings/2026/"},
    "A dataset of Hugging Face": {"root_path": "hf://datasets/example/driving@main/clips/"},
    "Clips by their ids, also out of zips": {
        "root_path": "hf://datasets/example/driving@main/",
        "clip_ids": ["0f247895-e3e5-537e-924b-b3976d321702", "25cd4769-5dcf-4b53-a351-bf2c5deb6124"],
        "filters": {"include": ["camera/"]},
    },
    "All members of a zip": {"root_path": "hf://datasets/example/driving/camera/front.chunk_0000.zip!/"},
    "All clips of a zip, each as a ClipGT zip": {
        "root_path": "hf://datasets/example/driving/labels/labels.chunk_0000.zip!/",
        "settings": {"members": "clipgt"},
    },
    "A store with S3's API, by a saved integration": {
        "root_path": "s3://recordings/2026/",
        "integration_id": "in_0123456789abcdef01234567",
    },
}
"""One for each kind of source."""

IMPORTS = SOURCES | {
    "All settings": {
        "root_path": "s3://my-clips/2026/",
        "folder": "highway",
        "settings": {
            "on_existing": "skip",
            "content_validation": "structure",
            "storage_class": "INTELLIGENT_TIERING",
            "destination": "{job_id}/{name}",
            "max_concurrency": 10,
            "tolerated_failures": {"percent": 1},
            "archived": "restore",
            "restore": {"tier": "standard", "days": 5},
            "delete_source": "never",
            "notify": {"webhook_url": "https://hooks.example.com/clipferry", "event": True},
        },
    }
}

_PRESET = {"name": "archive", "settings": {"storage_class": "GLACIER_IR", "content_validation": "deep"}}

BODIES: dict[str, dict[str, dict[str, Any]]] = {
    "POST /v1/previews": SOURCES,
    "POST /v1/imports": IMPORTS,
    "POST /v1/imports/{job_id}/retry": {
        "All failed and cancelled clips": {},
        "Some clips": {"clip_ids": ["ij_0123456789abcdef01234567-0"]},
        "Copy clips that failed their check": {"content_validation": "none"},
        "All clips with one of these codes": {"codes": ["NOT_FOUND", "CHANGED"]},
    },
    "POST /v1/integrations": {
        "S3 by access keys": {
            "type": "s3",
            "name": "partner",
            "bucket": "partner-clips",
            "prefix": "2026/",
            "access_key_id": "YOUR-ACCESS-KEY-ID",
            "secret_access_key": "YOUR-SECRET-ACCESS-KEY",
            "region": "eu-central-1",
        },
        "A store with S3's API (R2, MinIO)": {
            "type": "s3",
            "name": "r2",
            "bucket": "recordings",
            "access_key_id": "YOUR-ACCESS-KEY-ID",
            "secret_access_key": "YOUR-SECRET-ACCESS-KEY",
            "endpoint_url": "https://ACCOUNT.r2.cloudflarestorage.com",
        },
        "S3 of another account by a role": {
            "type": "s3_role",
            "name": "fleet",
            "bucket": "fleet-clips",
            "role_arn": "arn:aws:iam::222222222222:role/clipferry-fleet",
            "region": "us-east-1",
        },
        "Google Cloud Storage": {
            "type": "gcs",
            "name": "gcs",
            "bucket": "fleet-recordings",
            "service_account": {"type": "service_account", "client_email": "…", "private_key": "…"},
        },
        "Hugging Face": {
            "type": "hf_bucket",
            "name": "hub",
            "bucket": "datasets/example/driving",
            "token": "YOUR-TOKEN",
        },
    },
    "PATCH /v1/integrations/{integration_id}": {"Let imports delete what they copied": {"allow_delete": True}},
    "POST /v1/uploads": {
        "In one request": {"key": "2026/a.zip", "size": 19_300, "sha256": SHA256},
        "In parts": {"key": "2026/large.mp4", "size": 50_000_000},
    },
    "POST /v1/uploads/parts": {
        "Two parts": UPLOAD_PARTS | {"parts": [{"number": n, "sha256": SHA256} for n in (1, 2)]}
    },
    "POST /v1/uploads/complete": {"All parts are there": UPLOAD_PARTS | {"checksum": f"{SHA256}-3"}},
    "POST /v1/uploads/abort": {"Give it up": {"key": "2026/large.mp4", "upload_id": "2~example"}},
    "POST /v1/watches": {
        "Every day, by a schedule": {
            "name": "nightly",
            "root_path": "s3://my-clips/",
            "schedule": {"cron": "0 2 * * *", "time_zone": "Europe/Berlin"},
        },
        "When objects appear": {"name": "live", "root_path": "s3://my-clips/live/", "events": True},
    },
    "PATCH /v1/watches/{watch_id}": {
        "Pause": {"paused": True},
        "Another schedule": {"schedule": {"every": "6h"}},
    },
    "POST /v1/execution-settings": {"A preset": _PRESET},
    "PUT /v1/execution-settings/{settings_id}": {"A preset": _PRESET},
    "POST /v1/folders": {"A folder": {"name": "highway", "description": "Clips of highways"}},
    "POST /v1/watches/{watch_id}/webhook/replay": {
        "One webhook": {"event_id": "wa_0123456789abcdef01234567-2026-11-29T08:00:00.000Z-failing"}
    },
    "POST /v1/webhook-secret/rotate": {"Both secrets sign for an hour": {"overlap_seconds": 3600}},
    "POST /v1/keys": {"A key for a project": {"project": "perception", "name": "my laptop"}},
    "POST /api/s3/upload": {"Videos of S3": {"bucket": "my-clips", "keys": ["2026/a.mp4", "2026/b.mp4"]}},
    "POST /api/gcs/upload": {"Videos of Google Cloud Storage": {"bucket": "fleet-recordings", "files": ["2026/a.mp4"]}},
    "POST /api/hf-buckets/upload": {"Videos of Hugging Face": {"bucket": "example/driving", "files": ["clips/a.mp4"]}},
    "POST /api/import-jobs": {
        "A folder": {"source_format": "standard", "inputs": [{"source_uri": "s3://my-clips/2026/"}]}
    },
    "POST /api/import-jobs/{job_id}/retry": {
        "All failed videos": {},
        "Some videos": {"video_ids": ["ij_0123456789abcdef01234567-0"]},
    },
    "POST /api/folders/create-or-get": {"A folder": {"name": "Rig A", "scope": "user"}},
    "POST /api/folders": {"A folder": {"name": "Rig A", "scope": "org"}},
    "POST /api/cloud-integrations/s3": {
        "S3 by access keys": {
            "name": "partner",
            "bucket": "partner-clips",
            "access_key_id": "YOUR-ACCESS-KEY-ID",
            "secret_access_key": "YOUR-SECRET-ACCESS-KEY",
            "region": "eu-central-1",
        }
    },
    "POST /api/cloud-integrations/gcs": {
        "Google Cloud Storage": {
            "name": "gcs",
            "bucket": "fleet-recordings",
            "service_account": {"type": "service_account", "client_email": "…", "private_key": "…"},
        }
    },
    "POST /api/cloud-integrations/hf-bucket": {
        "Hugging Face": {"name": "hub", "bucket": "example/driving", "token": "YOUR-TOKEN"}
    },
}
