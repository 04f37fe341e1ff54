"""Google Cloud Storage's access control: service accounts, tokens, and permissions by bucket."""

import json
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

import google.auth.jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.servers.gate import Answer, Handler, Request, serving

EMAIL = "importer@clipferry-tests.iam.gserviceaccount.com"
AUDIENCE = "https://oauth2.googleapis.com/token"
"""Audience of tokens, for any `token_uri` in the key file."""
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SCOPE = "https://www.googleapis.com/auth/devstorage.read_only"
DELETING = "https://www.googleapis.com/auth/devstorage.read_write"


@dataclass
class Google:
    """Issues tokens to one service account; `allowed` are the buckets that it may read."""

    allowed: set[str]
    key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    tokens: set[str] = field(default_factory=set)
    deleting: set[str] = field(default_factory=set)
    """Tokens that may also delete."""
    issued: int = 0
    url: str = ""

    def account(self, key: rsa.RSAPrivateKey | None = None) -> str:
        """Return the key file; with another `key`, that of a deleted key."""
        form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        pem = (key or self.key).private_bytes(serialization.Encoding.PEM, *form).decode()
        return json.dumps(
            {
                "type": "service_account",
                "project_id": "clipferry-tests",
                "private_key_id": secrets.token_hex(20),
                "private_key": pem,
                "client_email": EMAIL,
                "client_id": "1",
                "token_uri": f"{self.url}/token",
            }
        )

    def revoke(self) -> None:
        self.tokens.clear()

    def exchange(self, form: dict[str, list[str]]) -> Answer:
        public = self.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        try:
            claims = google.auth.jwt.decode(  # type: ignore[no-untyped-call]  # the library types none of its functions
                form["assertion"][0], certs=public, audience=AUDIENCE
            )
        except ValueError:
            claims = {}
        known = claims.get("iss") == EMAIL and claims.get("scope") in (SCOPE, DELETING)
        if form.get("grant_type") != [GRANT] or not known:
            return _json(400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."})
        self.issued += 1
        token = f"ya29.token-{self.issued}-{time.monotonic_ns()}"
        self.tokens.add(token)
        if claims["scope"] == DELETING:
            self.deleting.add(token)
        return _json(200, {"access_token": token, "expires_in": 3599, "token_type": "Bearer"})

    def permit(self, request: Request) -> Answer | None:
        """Google's answers without a token or without a permission (JSON API, "Standard error responses")."""
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in self.tokens:
            return _refusal(401, "authError", "Invalid Credentials")
        if request.method == "DELETE" and token not in self.deleting:
            return _refusal(403, "insufficientPermissions", "Insufficient Permission")
        bucket = unquote(urlsplit(request.path).path.split("/")[4])
        if bucket not in self.allowed:
            return _refusal(403, "forbidden", f"{EMAIL} does not have storage.objects.get access to the bucket.")
        return None


def _refusal(status: int, reason: str, message: str) -> Answer:
    errors = [{"domain": "global", "reason": reason, "message": message}]
    return _json(status, {"error": {"code": status, "message": message, "errors": errors}})


def _json(status: int, body: object) -> Answer:
    return Answer(status, {"Content-Type": "application/json"}, json.dumps(body).encode())


@contextmanager
def google_accounts(*, allowed: set[str]) -> Iterator[Google]:
    state = Google(allowed)

    class Tokens(Handler):
        def do_POST(self) -> None:  # noqa: N802  # the base class's name
            self.answer(state.exchange(parse_qs(self.body().decode())))

    with serving(Tokens) as url:
        state.url = url
        yield state
