"""The page of deploy settings, from the docstrings, defaults and ranges of `stacks.settings`."""

import ast
import inspect
import itertools
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any

from benchmarks.pages import with_figures
from reference.text import cell, table
from stacks import settings
from stacks.settings import DeploySettings

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "settings.md"

BEGIN = "<!-- settings: written by python -m reference.renew -->"
END = "<!-- end of settings -->"

GROUPS = {
    "The deployment": (
        *("stack_name", "log_retention_days", "alarm_email", "api_rate", "api_burst", "project_rate", "project_burst"),
        *("docs_rate", "docs_burst", "dashboard_rate", "dashboard_burst", "cors_origins", "max_active_imports"),
        *("max_slow_requests", "api_logging_role", "use_fips_endpoints", "use_dualstack_endpoints", "local"),
    ),
    "Sources and access": (
        *("source_buckets", "requester_pays_buckets", "restore_buckets", "delete_source_buckets"),
        *("source_kms_key_arns", "copy_roles"),
        *("allow_private_urls", "hf_endpoint"),
    ),
    "Imports": (
        *("default_project", "default_on_existing", "default_content_validation", "max_clips_per_import"),
        *("max_clip_ids", "max_body_bytes", "preview_seconds", "import_timeout_hours", "upload_window_seconds"),
        *("restore_wait_hours", "stationary_distance_cm", "sweep_grace_seconds"),
    ),
    "Throughput": (
        *("batch_clips", "batch_bytes", "stat_concurrency", "map_concurrency", "copy_slots"),
        *("copy_reserved_concurrency", "extrapolate_reserved_concurrency", "kept_concurrency", "account_concurrency"),
        *("copy_concurrency", "copy_threads", "multipart_threshold_bytes", "part_bytes", "stream_part_bytes"),
        *("stream_memory_bytes", "source_request_seconds", "source_part_seconds"),
    ),
    "Retention": (
        *("state_retention_days", "rows_expire", "drop_retention_days", "drop_imported_days"),
        *("audit_retention_days", "table_deletion_protection"),
    ),
    "Links and notifications": (
        *("clip_url_seconds", "upload_url_seconds", "max_upload_bytes", "report_url_seconds"),
        *("webhook_attempts", "webhook_retry_seconds"),
    ),
}
"""The sections of the page. Each setting is in one of them; a test says which one is missing."""


def renewed(page: str) -> str:
    """The page with the settings as the code has them now."""
    return with_figures(page, BEGIN, END, "\n".join(_lines()).rstrip())


def _lines() -> Iterator[str]:
    known = {item.name: item for item in fields(DeploySettings)}
    meanings = docstrings()
    for title, group in GROUPS.items():
        rows = [(f"`{name}`", _default(known[name]), _range(known[name]), cell(meanings[name])) for name in group]
        yield f"## {title}\n"
        yield from table(("setting", "default", "range", "meaning"), rows)


def docstrings() -> dict[str, str]:
    """The docstring below each field of the settings."""
    (body,) = (
        one.body
        for one in ast.parse(inspect.getsource(settings)).body
        if isinstance(one, ast.ClassDef) and one.name == DeploySettings.__name__
    )
    return {
        line.target.id: ast.literal_eval(below.value)
        for line, below in itertools.pairwise(body)
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name) and isinstance(below, ast.Expr)
    }


def _default(item: "Field[Any]") -> str:
    assert item.default is not MISSING
    if item.default in ((), ""):
        return "none"
    return _shown(item.name, item.default)


def _range(item: "Field[Any]") -> str:
    return " to ".join(_shown(item.name, bound) for bound in item.metadata.get("range", ()))


def _shown(name: str, value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        for unit, size in (("TiB", 1024**4), ("GiB", 1024**3), ("MiB", 1024**2)):
            if name.endswith("_bytes") and value >= size and value % size == 0:
                return f"{value // size:,} {unit}"
        return f"{value:,}"
    return f"`{value}`"
