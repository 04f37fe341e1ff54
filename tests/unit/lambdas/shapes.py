"""Requests and shapes of answers, shared by several tests of the API."""

JOB_FIELDS = {
    "id",
    "status",
    "project",
    "source",
    "trigger",
    "folder",
    "labels",
    "run_name_prefix",
    "test_run_group_name",
    "filters",
    "settings",
    "execution_settings_id",
    "integration_id",
    "door",
    "key_id",
    "watch_id",
    "created_at",
    "updated_at",
    "completed_at",
    "cancel_requested",
    "run",
    "runs",
    "counts",
    "rate",
    "eta_seconds",
    "code",
    "message",
    "webhook",
}

CLIP_FIELDS = {
    "deleted_at",
    "view",
    "set",
    "id",
    "status",
    "source_uri",
    "destination",
    "run_name",
    "clip_id",
    "original_clipgt_url",
    "size",
    "etag",
    "verified",
    "facts",
    "code",
    "message",
    "extrapolation",
    "content",
    "content_code",
    "content_message",
    "overruled",
}

LIST = {"exact_paths": ["s3://source/a.zip"]}

DEFAULTS = {
    "on_existing": "skip",
    "content_validation": "none",
    "storage_class": None,
    "keep_metadata": True,
    "keep_tags": True,
    "notify": {"webhook_url": None, "event": True},
    "destination": None,
    "max_concurrency": None,
    "tolerated_failures": None,
    "stationary_extrapolation": False,
    "archived": "fail",
}

SAVED = "/v1/execution-settings"
