"""`/v1/execution-settings`."""

import pytest

from tests.unit.lambdas.api import Api
from tests.unit.lambdas.shapes import SAVED


def test_saved_settings_are_made_read_replaced_and_deleted(api: Api) -> None:
    body = {"name": "n", "settings": {"on_existing": "fail", "storage_class": None}, "description": "d"}
    status, made = api("POST", SAVED, body)
    assert status == 201
    assert {name: made[name] for name in body} == body
    assert set(made) == {"id", "name", "description", "settings", "created_at", "updated_at"}
    path = f"{SAVED}/{made['id']}"
    assert api.get(path) == (200, made)
    assert api.get(SAVED) == (200, {"execution_settings": [made], "next_cursor": None, "has_more": False})
    status, changed = api("PUT", path, {"name": "m", "settings": {}})
    assert (status, changed["name"], changed["settings"], changed["description"]) == (200, "m", {}, None)
    for method, sent in (("GET", None), ("PUT", body), ("DELETE", None)):
        assert api.refusal(method, path, sent, project="other")[:2] == (404, "NOT_FOUND")
    assert api("DELETE", path) == (204, None)
    assert api.refusal("GET", path)[:2] == (404, "NOT_FOUND")


def test_the_query_of_a_webhook_is_never_shown_and_kept_by_a_change_of_other_settings(api: Api) -> None:
    def settings(url: str | None) -> dict[str, object]:
        return {"keep_tags": False, "notify": {"webhook_url": url}}

    def stored() -> object:
        return api.world.execution_settings.get("demo", made["id"]).settings["notify"]["webhook_url"]  # type: ignore[union-attr,index]

    _, made = api("POST", SAVED, {"name": "n", "settings": settings("https://hooks.example/a?token=t")})
    path = f"{SAVED}/{made['id']}"
    assert made["settings"] == settings("https://hooks.example/a")
    assert api.get(path)[1] == api.get(SAVED)[1]["execution_settings"][0] == made
    assert stored() == "https://hooks.example/a?token=t"
    for given, after in (
        ("https://hooks.example/a", "https://hooks.example/a?token=t"),
        ("https://hooks.example/a?token=u", "https://hooks.example/a?token=u"),
        ("https://hooks.example/b", "https://hooks.example/b"),
        (None, None),
    ):
        assert api("PUT", path, {"name": "n", "settings": settings(given)})[0] == 200
        assert stored() == after


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"name": "n"}, "settings"),
        ({"settings": {}}, "name"),
        ({"name": "", "settings": {}}, "name"),
        ({"name": "n", "settings": {"on_existing": "merge"}}, "settings.on_existing"),
        ({"name": "n", "settings": {"x": 1}}, "settings.x"),
        ({"name": "n", "settings": {}, "description": ""}, "description"),
        ({"name": "n", "settings": {}, "id": "es_1"}, "id"),
    ],
)
def test_wrong_saved_settings_are_named(api: Api, body: object, place: str) -> None:
    _, made = api("POST", SAVED, {"name": "n", "settings": {}})
    for method, path in (("POST", SAVED), ("PUT", f"{SAVED}/{made['id']}")):
        status, code, detail = api.refusal(method, path, body)
        assert (status, code) == (422, "INVALID_REQUEST")
        assert detail.startswith(f"{place}: "), detail
