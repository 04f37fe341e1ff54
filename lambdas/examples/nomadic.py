"""Examples of the answers to the NomadicML SDKs, by operation."""

from lambdas.examples.values import FOLDER, INTEGRATION, JOB, KEY, LATER, WHEN, Json

_VIDEO = f"{JOB}-0"
_SOURCE = "s3://my-clips/2026/a.mp4"

_ACCEPTED: Json = {"import_job_id": JOB, "status": "importing"}

_JOB: Json = {
    "job_id": JOB,
    "import_job_id": JOB,
    "source": "s3",
    "bucket": "my-clips",
    "prefix": None,
    "folder_id": None,
    "folder_name": None,
    "total": 2,
    "status": "partial",
    "terminal": True,
    "poll_after_seconds": None,
    "message": "1 of 2 clips failed",
    "created_at": WHEN,
    "updated_at": LATER,
    "completed_at": LATER,
}

_VIDEOS: Json = {
    "import_job_id": JOB,
    "total": 2,
    "limit": 500,
    "cursor": None,
    "has_more": False,
    "next_cursor": None,
    "videos": [
        {
            "video_id": _VIDEO,
            "status": "UPLOADED",
            "import_source_uri": _SOURCE,
            "code": None,
            "message": None,
        },
        {
            "video_id": f"{JOB}-1",
            "status": "UPLOADING_FAILED",
            "import_source_uri": "s3://my-clips/2026/b.mp4",
            "code": "SOURCE_CHANGED",
            "message": "the object is no longer the one that was planned",
        },
    ],
    "video_count": 2,
}

_LISTED: Json = {
    "video_id": _VIDEO,
    "video_name": "a.mp4",
    "filename": "a.mp4",
    "duration_s": 20.0,
    "folder_id": None,
    "folder_name": None,
    "status": "uploaded",
    "created_at": WHEN,
    "org_id": "perception",
    "import_job_id": JOB,
    "import_source_uri": _SOURCE,
}

_STATUS: Json = {
    "video_id": _VIDEO,
    "status": "UPLOADED",
    "metadata": {
        "visual_analysis": {"status": {"status": "UPLOADED"}},
        "chunks_total": 1,
        "chunks_uploaded": 1,
        "video_name": "a.mp4",
        "import_source_uri": _SOURCE,
        "code": None,
        "message": None,
    },
}

_FOLDER: Json = {
    "id": FOLDER["id"],
    "name": "Rig A",
    "org_id": "perception",
    "scope": "user",
    "description": None,
    "created_at": WHEN,
    "created_by": KEY,
    "video_count": 2,
}

_INTEGRATION: Json = {
    name: INTEGRATION[name]
    for name in ("id", "name", "type", "bucket", "prefix", "region", "endpoint_url", "role_arn", "created_at")
} | {"last_used": None, "created_by": KEY, "created_by_display_name": "my laptop", "is_owner": True}


def _saved(**given: str) -> Json:
    return _INTEGRATION | {"prefix": None, "region": None} | given


ANSWERS: dict[str, Json | list[Json]] = {
    "POST /api/keys/verify": {
        "valid": True,
        "user_id": KEY,
        "uid": KEY,
        "email": f"{KEY}@perception.invalid",
        "org_id": "perception",
    },
    "POST /api/s3/upload": _ACCEPTED,
    "POST /api/gcs/upload": _ACCEPTED,
    "POST /api/hf-buckets/upload": _ACCEPTED,
    "POST /api/import-jobs": _ACCEPTED,
    "GET /api/import-jobs/{job_id}": _JOB,
    "GET /api/import-jobs/{job_id}/videos": _VIDEOS,
    "POST /api/import-jobs/{job_id}/retry": _JOB
    | {
        "status": "importing",
        "terminal": False,
        "poll_after_seconds": 5,
        "message": None,
        "completed_at": None,
    },
    "GET /api/my-videos": {"videos": [_LISTED]},
    "GET /api/video/{video_id}/status": _STATUS,
    "DELETE /api/video/{video_id}": {"status": "deleted", "video_id": _VIDEO},
    "POST /api/folders/create-or-get": _FOLDER,
    "POST /api/folders": _FOLDER | {"scope": "org", "video_count": 0},
    "GET /api/folders/get": _FOLDER,
    "GET /api/cloud-integrations": [_INTEGRATION],
    "POST /api/cloud-integrations/s3": _saved(region="eu-central-1"),
    "POST /api/cloud-integrations/gcs": _saved(name="gcs", type="gcs", bucket="fleet-recordings"),
    "POST /api/cloud-integrations/hf-bucket": _saved(name="hub", type="hf_bucket", bucket="example/driving"),
    "DELETE /api/cloud-integrations/{integration_id}": {"status": "deleted", "id": INTEGRATION["id"]},
}
