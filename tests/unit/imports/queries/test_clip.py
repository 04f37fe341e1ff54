"""One clip, its set, and the link to its copy."""

from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from service.domain.clips import ClipStatus
from service.domain.errors import ClipNotThere, NotFound
from service.imports.queries.clip import ClipLink, get_clip, link_clip
from tests.builders import PROJECT, World, a_set
from tests.fakes.links import FakeClipLinks


def linked(world: World, clip_id: str, *, download: bool = False, project: str = PROJECT) -> ClipLink:
    return link_clip(
        clip_id,
        download=download,
        seconds=300,
        project=project,
        ports=world.status_ports,
        links=FakeClipLinks(),
        clock=world.clock,
    )


def test_a_clip_names_its_import_and_the_views_of_its_set() -> None:
    world = World()
    for key in ("f.mp4", "l.mp4", "g.mp4", "r.mp4"):
        world.storage.put("source", key)
    job = world.run(world.planned_sets(a_set("f.mp4", "l.mp4"), a_set("g.mp4", "r.mp4")).id)
    found = get_clip(f"{job.id}-3", project=PROJECT, ports=world.status_ports)
    assert (found.found.job.id, found.found.clip.source_uri) == (job.id, "s3://source/r.mp4")
    assert [clip.id for clip in found.views] == [f"{job.id}-2", f"{job.id}-3"]


def test_a_clip_of_no_set_has_no_views() -> None:
    world = World()
    job = world.run(world.submit_list(world.put_sources(2)).id)
    assert get_clip(f"{job.id}-1", project=PROJECT, ports=world.status_ports).views == ()


def test_a_link_leads_to_the_copy_whatever_content_type_the_uploader_gave_it() -> None:
    world = World()
    world.storage.put("source", "a/b c.mp4")
    job = world.run(world.submit_list(["a/b c.mp4"]).id)
    found = linked(world, f"{job.id}-0")
    url = urlsplit(found.url)
    assert url.path.endswith("/source/a/b c.mp4")
    assert parse_qs(url.query) == {"seconds": ["300"], "content_type": ["video/mp4"]}
    assert found.content_type == "video/mp4"
    assert parse_qs(urlsplit(linked(world, f"{job.id}-0", download=True).url).query)["name"] == ["b c.mp4"]
    # The second import finds the same copy.
    again = world.run(world.submit_list(["a/b c.mp4"]).id)
    assert linked(world, f"{again.id}-0").url == found.url


def test_clips_without_a_copy_have_no_link() -> None:
    world = World()
    keys = world.put_sources(1)
    job = world.run(world.submit_list([*keys, keys[0], "gone.zip"]).id)
    for ordinal in (1, 2):  # a duplicate, and a failed one
        with pytest.raises(ClipNotThere):
            linked(world, f"{job.id}-{ordinal}")
    row = world.clips.rows[job.id][0]
    world.clips.rows[job.id][0] = replace(row, deleted_at="2026-11-22T17:00:00.000Z")
    assert row.status is ClipStatus.COPIED
    with pytest.raises(ClipNotThere, match="deleted"):
        linked(world, f"{job.id}-0")


@pytest.mark.parametrize("suffix", ["-1", "-01", "--1", "-x", "", "-0-0", "-9999999999"])
def test_unknown_clips_and_those_of_other_projects_are_not_found(suffix: str) -> None:
    world = World()
    job = world.run(world.submit_list(world.put_sources(1)).id)
    for ask in (
        lambda: get_clip(f"{job.id}{suffix}", project=PROJECT, ports=world.status_ports),
        lambda: linked(world, f"{job.id}-0", project="other"),
    ):
        with pytest.raises(NotFound):
            ask()


def test_a_clip_is_found_once_planning_is_complete() -> None:
    world = World()
    job = world.submit_list(world.put_sources(1))
    with pytest.raises(NotFound):
        get_clip(f"{job.id}-0", project=PROJECT, ports=world.status_ports)
    world.plan(job.id)
    assert get_clip(f"{job.id}-0", project=PROJECT, ports=world.status_ports).found.clip.status is ClipStatus.PENDING
