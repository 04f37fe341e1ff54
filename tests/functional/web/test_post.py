"""POST to callers' URLs, over real sockets on this machine: addresses that were checked, deadlines, TLS."""

import datetime as dt
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from service.domain.errors import WebhookRefused, WebhookUnreachable
from service.web.addresses import addresses
from service.web.post import HttpSender

NAME = "hooks.example.com"
BODY = b'{"a": 1}'


class Handler(BaseHTTPRequestHandler):
    """Answers with the status that the path names, a Retry-After and a large body."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, self.headers["Host"], self.headers["X-A"], body))  # type: ignore[attr-defined]
        self.send_response(int(self.path.strip("/").split("?")[0] or 200))
        self.send_header("Location", "/200")
        self.send_header("Retry-After", "7")
        self.end_headers()
        self.wfile.write(b"x" * 100_000)

    def log_message(self, *_arguments: object) -> None:
        """Not on the tests' output."""


@contextmanager
def serving(tls: ssl.SSLContext | None = None) -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.got = []  # type: ignore[attr-defined]
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def raw(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server that does nothing but `talk` to its first caller; its port."""
    listening = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        with listening.accept()[0] as caller:
            try:
                talk(caller)
            except OSError:
                return

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        thread.join()
        listening.close()


def here(_host: str, _port: int) -> list[str]:
    return ["127.0.0.1"]


def test_the_request_is_sent_as_it_is_and_the_status_comes_back() -> None:
    with serving() as server:
        url = f"http://{NAME}:{server.server_port}/204?token=a%20b"
        answer = HttpSender(allow_private=True, resolve=here).post(url, {"X-A": "1"}, BODY)
        assert (answer.status, answer.retry_after) == (204, "7")
        assert server.got == [("/204?token=a%20b", f"{NAME}:{server.server_port}", "1", BODY)]  # type: ignore[attr-defined]


@pytest.mark.parametrize("status", [302, 307, 410, 503])
def test_redirects_and_errors_are_answers_and_are_not_followed(status: int) -> None:
    with serving() as server:
        url = f"http://127.0.0.1:{server.server_port}/{status}"
        assert HttpSender(allow_private=True).post(url, {}, BODY).status == status
        assert len(server.got) == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "found", [["127.0.0.1"], ["10.0.0.1"], ["169.254.169.254"], ["8.8.8.8", "192.168.0.1"], ["::1"]]
)
def test_a_name_with_an_address_that_is_not_public_is_refused_before_any_connection(found: list[str]) -> None:
    sender = HttpSender(allow_private=False, resolve=lambda _host, _port: found)
    with pytest.raises(WebhookRefused, match=f"{NAME} has an address that is not public"):
        sender.post(f"https://{NAME}/", {}, BODY)


def test_http_is_refused_where_only_public_urls_are_allowed() -> None:
    with pytest.raises(WebhookRefused, match="https://"):
        HttpSender(allow_private=False).post("http://example.com/", {}, BODY)


def test_the_connection_goes_to_the_address_that_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name is resolved once: a second answer of DNS would be too late."""
    asked: list[str] = []
    connected: list[object] = []

    def resolve(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["8.8.8.8"] if len(asked) == 1 else ["127.0.0.1"]

    def connect(address: tuple[str, int], **_options: object) -> socket.socket:
        connected.append(address)
        raise TimeoutError("timed out")

    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(WebhookUnreachable, match=f"{NAME} did not answer: timed out"):
        HttpSender(allow_private=False, resolve=resolve).post(f"https://{NAME}/x", {}, BODY)
    assert (asked, connected) == ([NAME], [("8.8.8.8", 443)])


def test_names_that_cannot_be_resolved_and_ports_that_nobody_listens_on_may_come_back() -> None:
    def unknown(_host: str, _port: int) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    with pytest.raises(WebhookUnreachable, match="cannot be resolved"):
        HttpSender(allow_private=False, resolve=unknown).post(f"https://{NAME}/", {}, BODY)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(WebhookUnreachable, match="refused"):
        HttpSender(allow_private=True).post(f"http://127.0.0.1:{port}/", {}, BODY)


def test_a_receiver_that_drips_is_cut_off_at_the_deadline() -> None:
    over = threading.Event()

    def drip(caller: socket.socket) -> None:
        caller.recv(1_000)
        while not over.wait(0.02):
            caller.sendall(b"H")

    with raw(drip) as port:
        try:
            with pytest.raises(WebhookUnreachable):
                HttpSender(allow_private=True, timeout=0.3).post(f"http://127.0.0.1:{port}/", {}, BODY)
        finally:
            over.set()


@pytest.mark.parametrize("said", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 2"])
def test_what_is_no_answer_may_become_one(said: bytes) -> None:
    def talk(caller: socket.socket) -> None:
        caller.recv(1_000)
        caller.sendall(said)

    with raw(talk) as port, pytest.raises(WebhookUnreachable):
        HttpSender(allow_private=True).post(f"http://127.0.0.1:{port}/", {}, BODY)


def test_addresses_are_resolved_by_the_system() -> None:
    assert addresses("127.0.0.1", 80) == ["127.0.0.1"]


# --- TLS -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for NAME that it signed itself."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def server_tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_tls_is_made_and_checked_for_the_name_not_the_address(certificate: Path, server_tls: ssl.SSLContext) -> None:
    trusting = ssl.create_default_context(cafile=str(certificate))
    with serving(server_tls) as server:
        sender = HttpSender(allow_private=True, resolve=here, tls=trusting)
        assert sender.post(f"https://{NAME}:{server.server_port}/200", {}, BODY).status == 200
        with pytest.raises(WebhookUnreachable, match="certificate"):
            sender.post(f"https://other.example.com:{server.server_port}/200", {}, BODY)
        assert [host for _, host, _, _ in server.got] == [f"{NAME}:{server.server_port}"]  # type: ignore[attr-defined]


def test_a_certificate_that_nobody_vouches_for_is_refused(server_tls: ssl.SSLContext) -> None:
    with serving(server_tls) as server, pytest.raises(WebhookUnreachable, match="certificate"):
        HttpSender(allow_private=True, resolve=here).post(f"https://{NAME}:{server.server_port}/200", {}, BODY)
