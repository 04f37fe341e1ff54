"""`/v1/clips`."""

import pytest

from tests.unit.lambdas.api import Api
from tests.unit.lambdas.shapes import CLIP_FIELDS

FOUND_FIELDS = CLIP_FIELDS | {"import_id", "folder", "labels", "test_run_group_name"}


def test_a_found_clip_names_its_import_and_what_that_was_given(api: Api) -> None:
    world = api.world
    job = world.run(world.submit_list(world.put_sources(2), labels=("l",), folder="f", test_run_group_name="g").id)
    for query in (
        {"clip_id": "000001"},
        {"original_clipgt_url": "s3://source/p/000001.zip"},
        {"clip_id": "000001", "label": "l", "folder": "f", "test_run_group": "g"},
    ):
        status, page = api("GET", "/v1/clips", query=query)
        assert (status, page["has_more"], page["next_cursor"]) == (200, False, None)
        (clip,) = page["clips"]
        assert set(clip) == FOUND_FIELDS
        assert (clip["import_id"], clip["id"], clip["status"]) == (job.id, f"{job.id}-1", "COPIED")
        assert (clip["folder"], clip["labels"], clip["test_run_group_name"]) == ("f", ["l"], "g")
        assert (clip["clip_id"], clip["original_clipgt_url"]) == ("000001", "s3://source/p/000001.zip")
    assert api("GET", "/v1/clips", query={"label": "l"}, project="other")[1]["clips"] == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, (422, "INVALID_REQUEST")),
        ({"limit": "5"}, (422, "INVALID_REQUEST")),
        ({"label": "x" * 129}, (422, "INVALID_REQUEST")),
        ({"clip_id": "x" * 1_025}, (422, "INVALID_REQUEST")),
        ({"label": "l", "limit": "0"}, (422, "INVALID_REQUEST")),
        ({"label": "l", "cursor": "garbage"}, (400, "INVALID_CURSOR")),
    ],
)
def test_wrong_questions_for_clips_are_refused(api: Api, query: dict[str, str], expected: tuple[int, str]) -> None:
    assert api.refusal("GET", "/v1/clips", query=query)[:2] == expected
