"""The corpus benchmark: what it prints of a folder, and how it counts."""

import gzip
import shutil
from pathlib import Path

import pytest

from benchmarks import corpus
from service.formats.check import Depth
from tests.unit.formats.making import CLIP, FILM


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three files to look at and one that is none; no tool but Python is installed."""
    monkeypatch.setattr(shutil, "which", lambda _: None)
    (tmp_path / "clip.zip").write_bytes(CLIP)
    (tmp_path / "cut.zip").write_bytes(CLIP[:-100])
    (tmp_path / "film.mp4.gz").write_bytes(gzip.compress(FILM))
    (tmp_path / "readme.txt").write_bytes(b"no clip")
    return tmp_path


def test_each_file_is_checked_and_compared(folder: Path) -> None:
    lines = [corpus.look(path, Depth.DEEP, memory=True) for path in corpus.files_in([folder])]
    assert [(Path(line.path).name, line.content, line.readable) for line in lines] == [
        ("clip.zip", "valid", True),
        ("cut.zip", "invalid", False),
        ("film.mp4.gz", "valid", None),
    ]
    assert lines[2].facts["duration_s"] == 2.0
    assert all(line.reads == 1 and line.memory_bytes for line in lines)
    text = corpus.summary(lines)
    assert "ZIP_TRUNCATED: 1" in text
    assert "wrong durations: 0" in text


@pytest.mark.parametrize(
    ("ours", "notes", "theirs", "wrong"),
    [(2.0, (), "2.09", False), (2.0, (), "2.2", True), (2.0, ("MP4_GAP",), "9", False), (None, (), "2", False)],
)
def test_a_duration_is_wrong_unless_a_note_says_why(
    folder: Path, ours: float | None, notes: tuple[str, ...], theirs: str, wrong: bool
) -> None:
    line = corpus.look(folder / "film.mp4.gz", Depth.STRUCTURE, memory=False)
    line.facts.update(duration_s=ours, notes=notes)
    line.tools = {"ffprobe": f"ok avc1 320x180 duration={theirs}"}
    assert line.wrong_duration is wrong
