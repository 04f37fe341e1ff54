"""Files of reports: written at once or by parts, and linked."""

import pytest

from service.ports.state import ReportFiles
from tests.contracts.conftest import Stores

MIB = 1024**2


@pytest.fixture
def files(stores: Stores) -> ReportFiles:
    return stores.files


def test_a_file_is_written_at_once_and_again(stores: Stores) -> None:
    for body in (b"a,b\r\n", b""):
        stores.files.put("jobs/1/a.csv", body, "text/csv")
        assert stores.written("jobs/1/a.csv") == (body, "text/csv")


def test_a_file_is_written_by_parts_and_a_part_can_be_written_again(stores: Stores) -> None:
    files = stores.files
    upload = files.begin("a", "text/csv")
    files.put_part("a", upload, 1, b"0" * 5 * MIB)
    etags = [files.put_part("a", upload, 1, b"1" * 5 * MIB), files.put_part("a", upload, 2, b"2")]
    files.complete("a", upload, etags)
    assert stores.written("a") == (b"1" * 5 * MIB + b"2", "text/csv")


def test_two_uploads_at_once_stay_apart(stores: Stores) -> None:
    files = stores.files
    uploads = {key: files.begin(key, "text/csv") for key in ("a", "b")}
    assert len(set(uploads.values())) == 2
    etags = {key: files.put_part(key, upload, 1, key.encode()) for key, upload in uploads.items()}
    for key, upload in uploads.items():
        files.complete(key, upload, [etags[key]])
        assert stores.written(key)[0] == key.encode()


def test_a_link_names_the_file(files: ReportFiles) -> None:
    link = files.url("jobs/1/clips.csv", seconds=600, name="1-clips.csv")
    assert link.startswith("https://")
    assert "jobs/1/clips.csv" in link
    assert "1-clips.csv" in link
