"""`make local` says in one line why options cannot work; its fault proxy is started and ended by its own pid."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from local import aws, emulator, faults, process
from local.config import ROOT, StateDir
from local.down import bring_down
from local.process import ServerError, free_port
from local.stack import Stack
from tests.servers.emulated import ONCE

SLOW = [{"service": "s3", "operation": "ListBuckets", "error": {"code": "SlowDown", "status": 503}}]


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    return StateDir(tmp_path)


def up(state: StateDir, *options: str) -> list[str]:
    """The lines that `local.up` prints; it must fail."""
    command = [sys.executable, "-m", "local.up", f"--state={state.path}", *options]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert (ran.returncode, ran.stderr) == (1, "")
    return ran.stdout.splitlines()


@pytest.mark.parametrize("port", ["99999", "0", "abc", "-1", "65536", "8080 ", "80.0"])
def test_a_port_that_is_none_is_refused_in_one_line(state: StateDir, port: str) -> None:
    [line] = up(state, f"--port={port}")
    assert repr(port) in line
    assert "from 1 to 65535" in line
    assert not state.emulator_file.exists()


def test_the_same_holds_for_the_proxys_port(state: StateDir) -> None:
    [line] = up(state, "--faults-port=99999")
    assert "'99999'" in line


def test_a_taken_port_is_refused(state: StateDir) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ServerError, match="is in use"):
            emulator.start(state, taken.getsockname()[1])
    assert not state.emulator_file.exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "there is no such rules file"),
        ("rules: 3", "neither a list of rules"),
        ("- 1", "neither a list of rules"),
        ("- {service: s3, error: {nothing: 1}}", "nothing"),
        ("- {service: s3, body: '['}", "body"),
        ("rules: [", "rules.yml"),
    ],
)
def test_rules_that_cannot_be_read_are_refused_with_the_file(state: StateDir, text: str | None, said: str) -> None:
    path = state.path / "rules.yml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ServerError, match=r"rules\.yml") as refused:
        faults.read_rules(path)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_both_forms_of_a_rules_file_are_read(state: StateDir) -> None:
    bare, mapped = state.path / "bare.yml", state.path / "mapped.yml"
    bare.write_text("- {service: s3, probability: 0.5}")
    mapped.write_text("rules:\n- {service: s3, probability: 0.5}")
    assert faults.read_rules(bare) == faults.read_rules(mapped) == [{"service": "s3", "probability": 0.5}]


def test_the_repositorys_rules_are_read() -> None:
    assert len(faults.read_rules(ROOT / "local" / "faults.yml")) > 10


@pytest.fixture
def proxied(state: StateDir) -> Iterator[str]:
    """The URL of a proxy before an emulator."""
    started = emulator.start(state)
    try:
        yield faults.start(state, started.url, free_port()).url
    finally:
        bring_down(state)


def test_the_proxy_injects_what_its_rules_say_and_nothing_without_rules(proxied: str) -> None:
    client = aws.session().client("s3", endpoint_url=proxied, config=ONCE)
    client.list_buckets()
    faults.set_rules(proxied, SLOW)
    with pytest.raises(ClientError, match="SlowDown"):
        client.list_buckets()
    assert [(one["service"], one["operation"]) for one in faults.fired(proxied)] == [("s3", "ListBuckets")]
    faults.set_rules(proxied, [])
    client.list_buckets()


def test_the_proxy_tells_the_size_of_an_object(proxied: str) -> None:
    client = aws.session().client("s3", endpoint_url=proxied, config=ONCE)
    client.create_bucket(Bucket="sizes")
    client.put_object(Bucket="sizes", Key="k", Body=b"four")
    assert client.head_object(Bucket="sizes", Key="k")["ContentLength"] == 4
    assert client.get_object(Bucket="sizes", Key="k", Range="bytes=1-2")["Body"].read() == b"ou"


@pytest.mark.usefixtures("proxied")
def test_both_are_ended_by_their_own_pids(state: StateDir) -> None:
    before = emulator.recorded(state)
    proxy = process.recorded(state.faults_file, lambda _: True)
    assert before
    assert proxy
    assert process.alive(before.pid)
    assert process.alive(proxy.pid)
    assert bring_down(state)
    assert not process.alive(before.pid)
    assert not process.alive(proxy.pid)
    assert not state.faults_file.exists()
    assert not bring_down(state)


def a_stack(**changes: str) -> Stack:
    texts = dict.fromkeys(
        ("base_url", "dashboard_url", "api_key", "admin_key", "project", "source_bucket", "drop_bucket"), "x"
    )
    texts |= dict.fromkeys(("clips_bucket", "aws_endpoint_url", "region", "forbidden_bucket", "state_bucket"), "x")
    texts |= dict.fromkeys(("table_name", "state_machine_arn", "upload_queue_url", "upload_dlq_url"), "x")
    return Stack(**texts, pid=1, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("changes", [{}, {"faults_url": "http://127.0.0.1:1"}])
def test_a_stacks_file_has_the_proxys_url_only_where_there_is_a_proxy(state: StateDir, changes: dict[str, str]) -> None:
    written = a_stack(**changes)
    written.write(state.stack_file)
    assert ("faults_url" in state.stack_file.read_text()) == bool(changes)
    assert Stack.read(state.stack_file) == written
