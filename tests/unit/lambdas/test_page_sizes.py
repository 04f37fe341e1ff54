"""Every list is cut to fit Lambda's maximum answer, for rows of any size."""

import json
from collections.abc import Callable

import pytest

from lambdas.answers import MAX_ANSWER_BYTES
from tests.unit.lambdas.api import Api

LAMBDA_BYTES = 6 * 1024**2 + 100
FUNNY = "\U0001f3a5"
"""4 bytes in UTF-8, 12 as an escape."""


def clips(api: Api) -> tuple[str, str, dict[str, str]]:
    keys = [f"{number:04d}/{FUNNY * 240}.zip" for number in range(1_000)]
    job = api.world.planned_list(keys)
    return f"/v1/imports/{job.id}/clips", "clips", {}


def failed_clips(api: Api) -> tuple[str, str, dict[str, str]]:
    keys = [f"{number:04d}/{FUNNY * 240}.zip" for number in range(1_000)]
    job = api.world.run(api.world.submit_list(keys).id)
    return f"/v1/imports/{job.id}/clips", "clips", {"status": "FAILED"}


def found_clips(api: Api) -> tuple[str, str, dict[str, str]]:
    body = {
        "exact_paths": [f"s3://source/{number:04d}.zip" for number in range(1_000)],
        "labels": [FUNNY * 120 + str(number) for number in range(50)],
        "folder": "f",
    }
    api.world.plan(api("POST", "/v1/imports", body)[1]["id"])
    return "/v1/clips", "clips", {"folder": "f"}


def imports(api: Api) -> tuple[str, str, dict[str, str]]:
    body = {
        "root_path": "s3://source/",
        "validate": False,
        "labels": [FUNNY * 120 + str(number) for number in range(50)],
    }
    for _ in range(100):
        api("POST", "/v1/imports", body)
    return "/v1/imports", "imports", {}


def presets(api: Api) -> tuple[str, str, dict[str, str]]:
    for number in range(700):
        api("POST", "/v1/execution-settings", {"name": f"{number}", "description": FUNNY * 1_000, "settings": {}})
    return "/v1/execution-settings", "execution_settings", {}


def folders(api: Api) -> tuple[str, str, dict[str, str]]:
    for number in range(700):
        api("POST", "/v1/folders", {"name": f"{number}", "description": FUNNY * 1_000})
    return "/v1/folders", "folders", {}


def videos(api: Api) -> tuple[str, str, dict[str, str]]:
    keys = [f"{number:04d}/{FUNNY * 240}.mp4" for number in range(1_000)]
    # Missing ones: the message of each repeats its URI.
    job = api.world.run(api.world.submit_list(keys).id)
    return f"/api/import-jobs/{job.id}/videos", "videos", {}


@pytest.mark.parametrize("fill", [clips, failed_clips, found_clips, imports, presets, folders, videos])
def test_pages_of_the_worst_rows_fit_and_lead_to_the_rest(
    api: Api, fill: Callable[[Api], tuple[str, str, dict[str, str]]]
) -> None:
    path, name, query = fill(api)
    seen: list[str] = []
    shortest = 1_000
    cursor: str | None = None
    while True:
        answer = api.raw("GET", path, query=query | {"limit": "1000"} | ({"cursor": cursor} if cursor else {}))
        assert answer["statusCode"] == 200
        assert len(json.dumps(answer)) < LAMBDA_BYTES
        page = json.loads(answer["body"])
        seen += [one.get("id") or one["video_id"] for one in page[name]]
        shortest = min(shortest, len(page[name])) if page["has_more"] else shortest
        cursor = page["next_cursor"]
        if not page["has_more"]:
            break
    assert len(seen) == len(set(seen)) >= 100
    assert shortest < 1_000, "one page held all of them: these are not the worst rows"


def test_the_newest_videos_are_as_many_as_fit(api: Api) -> None:
    api.world.planned_list([f"{number:04d}/{FUNNY * 240}.mp4" for number in range(1_000)])
    answer = api.raw("GET", "/api/my-videos")
    assert len(json.dumps(answer)) < LAMBDA_BYTES
    assert 100 < len(json.loads(answer["body"])["videos"]) < 1_000


def test_answers_are_utf_8_without_escapes(api: Api) -> None:
    job = api.world.planned_list(["ü/日本.zip"])
    assert "s3://source/ü/日本.zip" in api.raw("GET", f"/v1/imports/{job.id}/clips")["body"]
    assert "ü" in api.raw("GET", "/v1/ü")["body"]


def test_a_page_that_fits_is_read_once(api: Api) -> None:
    job = api.world.planned_list([f"{number}.zip" for number in range(1_000)])
    before = api.world.faults.calls["clips.get"]
    answer = api.raw("GET", f"/v1/imports/{job.id}/clips", query={"limit": "1000"})
    assert api.world.faults.calls["clips.get"] == before + 1
    assert len(answer["body"]) < MAX_ANSWER_BYTES
