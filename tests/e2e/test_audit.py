"""The audit log: who requested which change, when, through which API, with which key."""

from typing import TYPE_CHECKING, Any

from local.stack import Stack
from tests.e2e.support import all_rows, eventually, imported, settled, start, unique

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from tests.e2e.conftest import Api
    from tests.e2e.faults import Pause


def team(api: "Api", admin: "Api") -> tuple["Api", str, str]:
    """(API of a new project, project, key id)"""
    project = unique("team")
    _, key = admin.post("/v1/keys", {"project": project, "name": "test"})
    return api.with_key(key["key"]), project, key["id"]


def entries(api: "Api", **query: object) -> list[dict[str, Any]]:
    return all_rows(api, "/v1/audit", "entries", **query)


def words(api: "Api", **query: object) -> list[tuple[str, str, str]]:
    return [(entry["action"], entry["subject"], entry["key_id"]) for entry in entries(api, **query)]


def test_every_change_of_a_project_has_its_entry_newest_first(api: "Api", admin: "Api", stack: Stack) -> None:
    reader, project, key_id = team(api, admin)
    job = imported(reader, exact_paths=[f"s3://{stack.source_bucket}/{unique('none')}.zip"])
    _, settings = reader.post("/v1/execution-settings", {"name": "n", "settings": {}})
    path = f"/v1/execution-settings/{settings['id']}"
    assert reader("PUT", path, {"name": "m", "settings": {}})[0] == 200
    assert reader("DELETE", path)[0] == 204
    assert reader("DELETE", f"/v1/imports/{job['id']}")[0] == 204
    _, second = admin.post("/v1/keys", {"project": project, "name": "second"})
    assert admin("DELETE", f"/v1/keys/{second['id']}")[0] == 204
    expected = [
        ("key.revoke", second["id"], "admin"),
        ("key.create", second["id"], "admin"),
        ("import.delete", job["id"], key_id),
        ("execution_settings.delete", settings["id"], key_id),
        ("execution_settings.replace", settings["id"], key_id),
        ("execution_settings.create", settings["id"], key_id),
        ("import.start", job["id"], key_id),
        ("key.create", key_id, "admin"),
    ]
    for limit in (3, 100):
        assert words(reader, limit=limit) == expected
    assert {entry["door"] for entry in entries(reader)} == {"api"}
    assert len({entry["request_id"] for entry in entries(reader)}) == len(expected)
    eventually(lambda: words(reader, subject=job["id"]) == [expected[2], expected[6]], what="the index by subject")
    assert entries(reader, subject=unique("nothing")) == []
    assert not {entry["subject"] for entry in entries(api)} & {job["id"], settings["id"]}


def test_an_import_shows_who_asked_and_its_own_entries(
    api: "Api", admin: "Api", stack: Stack, paused_plans: "Pause"
) -> None:
    reader, _, key_id = team(api, admin)
    with paused_plans():
        job = start(reader, exact_paths=[f"s3://{stack.source_bucket}/{unique('none')}.zip"])
        assert (job["door"], job["key_id"]) == ("api", key_id)
        assert reader.post(f"/v1/imports/{job['id']}/cancel", None)[0] == 202
    settled(reader, job["id"])

    def asked() -> list[str]:
        rows = all_rows(reader, f"/v1/imports/{job['id']}/audit", "entries")
        return [entry["action"] for entry in rows]

    eventually(lambda: asked() == ["import.cancel", "import.start"], what="the index by subject")
    assert api.get(f"/v1/imports/{job['id']}/audit")[0] == 404


def test_a_retry_and_a_webhook_sent_again_are_in_the_audit(api: "Api", admin: "Api", stack: Stack) -> None:
    reader, _, key_id = team(api, admin)
    notify = {"webhook_url": "http://127.0.0.1:9/nobody-listens"}
    uris = [f"s3://{stack.source_bucket}/{unique('none')}.zip"]
    job = imported(reader, exact_paths=uris, settings={"notify": notify})
    assert reader.post(f"/v1/imports/{job['id']}/retry", None)[0] == 202
    settled(reader, job["id"])
    assert reader.post(f"/v1/imports/{job['id']}/webhook/replay", None)[0] == 202
    assert reader.post(f"/v1/imports/ij_{'0' * 24}/retry", None)[0] == 404
    expected = [(action, job["id"], key_id) for action in ("webhook.replay", "import.retry", "import.start")]
    eventually(lambda: words(reader, subject=job["id"]) == expected, what="the index by subject")


def test_uploads_have_a_door_of_their_own(api: "Api", admin: "Api", stack: Stack, s3: "S3Client") -> None:
    reader, project, _ = team(api, admin)
    s3.put_object(Bucket=stack.drop_bucket, Key=f"inbox/{project}/clip.zip", Body=b"x")
    [job] = eventually(lambda: reader.get("/v1/imports")[1]["imports"], what="the upload's import")
    assert (job["door"], job["key_id"]) == ("upload", None)
    [entry] = [entry for entry in entries(reader) if entry["action"] == "import.start"]
    assert (entry["subject"], entry["door"], entry["key_id"], entry["request_id"]) == (job["id"], "upload", None, None)
    settled(reader, job["id"])


def test_a_change_of_what_is_not_there_has_no_entry(api: "Api", admin: "Api") -> None:
    reader, _, key_id = team(api, admin)
    assert reader("DELETE", f"/v1/imports/ij_{'0' * 24}")[0] == 404
    assert reader.post(f"/v1/imports/ij_{'0' * 24}/cancel", None)[0] == 404
    assert reader("DELETE", f"/v1/execution-settings/es_{'0' * 24}")[0] == 404
    assert admin("DELETE", "/v1/keys/key_nope")[0] == 404
    assert words(reader) == [("key.create", key_id, "admin")]


def test_the_audit_is_read_with_a_projects_key_and_cannot_be_changed(api: "Api", admin: "Api") -> None:
    status, answer = admin.get("/v1/audit")
    assert (status, answer["code"]) == (403, "FORBIDDEN")
    for method in ("POST", "PUT", "DELETE"):
        assert api(method, "/v1/audit", {} if method != "DELETE" else None)[0] in {404, 405}
