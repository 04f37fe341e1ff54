"""Foretify's calls: their arguments, answers, errors and messages."""

import inspect
import json
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from clipferry import Clipferry, ConfigError, flow_executions
from clipferry.flow_executions import FmanagerServerException, get_by_id, url_of
from clipferry.flow_executions import launch_batch_import_clipgt_from_cloud_storage as launch
from clipferry.ftx._common.utils import add_common_arguments
from tests.unit.client.service import BASE_URL, KEY, FakeService, clip, counts, job, page, refusal

ROOT = Path(__file__).resolve().parents[3]
CALLER = {"id": "key_1", "project": "demo"}


@pytest.fixture
def foretify() -> Iterator[Callable[..., FakeService]]:
    """Send the calls to a fake service."""

    def go(*answers: Any) -> FakeService:
        service = FakeService(*answers)
        flow_executions.use(service.client(attempts=1))
        return service

    yield go
    flow_executions.use(None)


def test_the_parameters_match_foretifys_sdk() -> None:
    parameters = inspect.signature(launch).parameters
    assert list(parameters) == [
        "project_id",
        "exact_paths",
        "root_path",
        "validate",
        "test_run_group_name",
        "run_name_prefix",
        "labels",
        "stationary_extrapolation",
        "environment_settings_id",
        "environment_settings",
    ]
    assert (parameters["validate"].default, parameters["stationary_extrapolation"].default) == (True, False)


def test_one_kind_of_path_is_required(foretify: Callable[..., FakeService]) -> None:
    foretify()
    for paths, root in ((None, None), (["s3://a/b"], "s3://a/")):
        with pytest.raises(ValueError, match=r"^Provide exactly one of exact_paths or root_path$"):
            launch(project_id="demo", exact_paths=paths, root_path=root)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"environment_settings": {}, "environment_settings_id": "es_1"}, "at most one"),
        ({"root_path": None, "exact_paths": "s3://a/b"}, "not one URI"),
    ],
)
def test_conflicting_arguments_fail_before_a_request(
    foretify: Callable[..., FakeService], arguments: Any, message: str
) -> None:
    foretify()
    with pytest.raises(ValueError, match=message):
        launch(**{"project_id": "demo", "root_path": "s3://a/"} | arguments)


def test_all_arguments_are_sent(foretify: Callable[..., FakeService]) -> None:
    service = foretify(CALLER, job("PENDING", counts=counts()))
    found = launch(
        project_id="demo",
        exact_paths=["s3://my-bucket/a.zip"],
        test_run_group_name="g",
        run_name_prefix="r-",
        labels=["night"],
        environment_settings={"content_validation": "deep"},
    )
    assert (found["id"], found["status"]) == ("ij_1", "PENDING")
    assert json.dumps(found)
    assert service.body() == {
        "exact_paths": ["s3://my-bucket/a.zip"],
        "validate": True,
        "test_run_group_name": "g",
        "run_name_prefix": "r-",
        "labels": ["night"],
        "settings": {"content_validation": "deep"},
    }


def test_extrapolation_overrides_a_preset(foretify: Callable[..., FakeService]) -> None:
    service = foretify(job("PENDING"))
    launch(root_path="s3://my-bucket/", environment_settings_id="es_1", stationary_extrapolation=True)
    asked = {"execution_settings_id": "es_1", "stationary_extrapolation": True}
    assert service.body() == {"root_path": "s3://my-bucket/", "validate": True} | asked


def test_a_preset_is_sent_by_its_id_and_the_project_may_be_missing(foretify: Callable[..., FakeService]) -> None:
    service = foretify(job("PENDING"))
    launch(root_path="s3://my-bucket/", environment_settings_id="es_1", validate=False)
    assert service.body() == {"root_path": "s3://my-bucket/", "validate": False, "execution_settings_id": "es_1"}


@pytest.mark.parametrize(
    ("refused", "code"),
    [
        ("CANNOT_ACCESS", "CANNOT_ACCESS"),
        ("LIMIT_EXCEEDED", "LIMIT_EXCEEDED"),
        ("UNKNOWN_ERROR", "UNKNOWN_ERROR"),
        ("SOURCE_UNAVAILABLE", "UNKNOWN_ERROR"),
    ],
)
def test_a_failed_preflight_is_a_value_error_with_one_of_three_codes(
    foretify: Callable[..., FakeService], refused: str, code: str
) -> None:
    foretify(CALLER, refusal(403, refused))
    with pytest.raises(ValueError, match="Pre-flight") as caught:
        launch(project_id="demo", root_path="s3://my-bucket/clips/")
    assert str(caught.value) == f"Pre-flight validation failed for root_path 's3://my-bucket/clips/': {code}"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"root_path": "s3://a/"}, "INTERNAL"),
        ({"root_path": "s3://a/", "validate": False}, "CANNOT_ACCESS"),
        ({"exact_paths": ["a"]}, "INVALID_URI"),
    ],
)
def test_other_refusals_are_fmanager_exceptions(
    foretify: Callable[..., FakeService], arguments: Any, code: str
) -> None:
    foretify(CALLER, refusal(422, code, "a sentence"))
    with pytest.raises(FmanagerServerException) as caught:
        launch(project_id="demo", **arguments)
    error = caught.value
    assert (error.status_code, error.message, error.message_code) == (422, "a sentence", code)


@pytest.mark.parametrize("project", ["other", None])
def test_another_project_than_the_keys_is_refused_before_the_import(
    foretify: Callable[..., FakeService], project: str | None
) -> None:
    service = foretify({"id": "k", "project": project})
    with pytest.raises(FmanagerServerException, match="not of 'demo'"):
        launch(project_id="demo", root_path="s3://a/")
    assert service.asked == [("GET", "/v1/key")]


@pytest.mark.parametrize(
    ("status", "theirs"),
    [
        ("PENDING", "PENDING"),
        ("PLANNING", "PLANNING"),
        ("COPYING", "COPYING"),
        ("COMPLETED", "COMPLETED"),
        ("COMPLETED_WITH_ERRORS", "FAILED"),
        ("FAILED", "FAILED"),
        ("CANCELLED", "FAILED"),
    ],
)
def test_statuses_are_foretifys(foretify: Callable[..., FakeService], status: str, theirs: str) -> None:
    foretify(job(status))
    found = get_by_id("ij_1")
    assert (found["id"], found["status"], found["import_status"]) == ("ij_1", theirs, status)
    assert found["counts"] == counts(copied=2, bytes=200)
    assert found["errors"] == []


def test_errors_are_those_of_the_import_and_its_clips(foretify: Callable[..., FakeService]) -> None:
    broken = clip(1, "FAILED", code="NOT_FOUND", message="no such object")
    one = job("COMPLETED_WITH_ERRORS", counts=counts(copied=1, failed=1), code="CLIPS_FAILED", message="1 of 2")
    service = foretify(one, page("clips", [broken]))
    assert get_by_id("ij_1")["errors"] == [
        {"uri": None, "code": "CLIPS_FAILED", "message": "1 of 2"},
        {"uri": "s3://clips/1.zip", "code": "NOT_FOUND", "message": "no such object"},
    ]
    assert service.asked[1] == ("GET", "/v1/imports/ij_1/clips?status=FAILED&limit=100")


def test_a_missing_execution_is_an_fmanager_exception(foretify: Callable[..., FakeService]) -> None:
    foretify(refusal(404, "NOT_FOUND"))
    with pytest.raises(FmanagerServerException) as caught:
        get_by_id("ij_none")
    assert (caught.value.status_code, caught.value.message_code) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("host", "port", "https", "url"),
    [
        ("clips.example", None, None, "https://clips.example"),
        ("clips.example", 8443, True, "https://clips.example:8443"),
        ("clips.example", None, False, "http://clips.example"),
        ("localhost", 8080, None, "http://localhost:8080"),
        ("127.0.0.1:80", 8080, None, "http://127.0.0.1:80"),
        ("[::1]", 8080, None, "http://[::1]:8080"),
        ("https://clips.example/prod", None, False, "https://clips.example/prod"),
        ("http://127.0.0.1/_aws/prod", 4566, None, "http://127.0.0.1:4566/_aws/prod"),
        ("clips.example/prod", "443", None, "https://clips.example:443/prod"),
    ],
)
def test_a_host_is_a_name_or_a_url(host: str, port: Any, https: bool | None, url: str) -> None:
    assert url_of(host, port, https) == url


def test_login_tries_the_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CLIPFERRY_CONFIG", str(tmp_path / "none.json"))
    monkeypatch.delenv("CLIPFERRY_API_KEY", raising=False)
    monkeypatch.delenv("CLIPFERRY_BASE_URL", raising=False)
    with pytest.raises(ConfigError, match=r"no key for https://clips\.example"):
        flow_executions.login(host="clips.example", user="me", port=None, https=True)
    monkeypatch.setenv("CLIPFERRY_API_KEY", KEY)
    with pytest.raises(ConfigError, match="in the clear"):
        flow_executions.login(host="clips.example", user="me", port=None, https=False)
    service = FakeService(refusal(401, "UNAUTHORIZED"))
    monkeypatch.setattr(flow_executions, "Clipferry", lambda base_url: _at(service, base_url))
    with pytest.raises(FmanagerServerException):
        flow_executions.login(host=BASE_URL, user="me", port=None, https=None)
    assert service.asked == [("GET", "/v1/key")]


def _at(service: FakeService, base_url: str) -> Clipferry:
    assert base_url == BASE_URL
    return service.client()


RUN = "import sys; from clipferry.scripts import run_script; from pathlib import Path; sys.exit(run_script(Path(sys.argv[1]), sys.argv[2:]))"  # noqa: E501


@pytest.mark.parametrize(
    ("script", "code", "printed", "complained"),
    [
        ("print('done')", 0, "done\n", ""),
        ("import sys; sys.exit(5)", 5, "", ""),
        ("import sys; sys.exit('no')", 1, "", "no\n"),
        ("import sys; print(sys.argv[1:], __name__)", 0, "['--x', 'y'] __main__\n", ""),
        ("import beside; print(beside.FOUND)", 0, "True\n", ""),
        ("import ftx.shell.runs", 1, "", "ModuleNotFoundError: No module named 'ftx.shell.runs'"),
        (
            "from ftx.model.exceptions import FmanagerServerException as E; raise E(1, 'm', 'C')",
            1,
            "",
            "m (C, status 1)",
        ),
        ("from ftx.shell import client, flow_executions as f; print(f.get_by_id.__name__)", 0, "get_by_id\n", ""),
        ("def (", 1, "", "SyntaxError"),
    ],
)
def test_a_script_runs_like_in_python(tmp_path: Path, script: str, code: int, printed: str, complained: str) -> None:
    (tmp_path / "beside.py").write_text("FOUND = True\n")
    (tmp_path / "ftx.py").write_text("raise RuntimeError('another ftx')\n")
    path = tmp_path / "script.py"
    path.write_text(script)
    command = [sys.executable, "-c", RUN, str(path), "--x", "y"]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert (ran.returncode, ran.stdout) == (code, printed), ran.stderr
    assert complained in ran.stderr
    assert "runpy" not in ran.stderr or "SyntaxError" in ran.stderr


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ([], (None, None, None, None)),
        (["--host", "h", "--port", "1", "--https", "--user", "u"], ("h", 1, True, "u")),
        (["--https", "false"], (None, None, False, None)),
    ],
)
def test_the_common_arguments_match_foretifys(arguments: list[str], found: tuple[object, ...]) -> None:
    parser = ArgumentParser()
    add_common_arguments(parser)
    parser.add_argument("--project_id", nargs="?")
    got = parser.parse_args(arguments)
    assert (got.host, got.port, got.https, got.user) == found
