"""A stand-in for the Hugging Face Hub's buckets, datasets and models, with the API that `huggingface_hub` 2.4 uses.

Its `hf_api.py` (`list_bucket_tree`, `get_bucket_paths_info`, `get_bucket_file_metadata`), `hf_file_system.py` (`url`,
`_fetch_range`), `utils/_http.py` (`hf_raise_for_status`, rate limits) and `utils/_pagination.py` name the routes,
fields, headers and error codes. The tree's prefix is matched lexically, its order is arbitrary, `Link` names the next
page. Bytes redirect to a signed URL of another origin, which rejects requests with the Hub's token.
"""

import hashlib
import json
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, quote, unquote, urlsplit

from tests.servers.gate import Answer, Handler, serving

PAGE_FILES = 5
_REPO_ROUTE = re.compile(
    r"/(?P<api>api/)?(?P<repo>(?:datasets/|models/)?[^/]+/[^/]+)/(?P<action>tree|paths-info|resolve|revision)"
    r"/(?P<revision>[^/]+)(?:/(?P<path>.*))?"
)
_ROUTE = re.compile(r"/(api/)?buckets/(?P<bucket>[^/]+/[^/]+)/(?P<action>tree|paths-info|resolve)(?:/(?P<path>.*))?")


@dataclass
class Hub:
    """`buckets` by id: path → bytes. Private ones need `token`; the token cannot see those in `hidden`."""

    token: str
    buckets: dict[str, dict[str, bytes]] = field(default_factory=dict)
    public: set[str] = field(default_factory=set)
    hidden: set[str] = field(default_factory=set)
    url: str = ""
    """URL for clients: the Hub's, or that of a proxy in front of it."""
    store_url: str = ""
    signed: dict[str, bytes] = field(default_factory=dict)
    commits: dict[str, list[tuple[str, dict[str, bytes]]]] = field(default_factory=dict)
    """Commits of datasets and models (`datasets/namespace/name`), oldest first: id, and path → bytes."""
    gated: set[str] = field(default_factory=set)
    moved: dict[str, str] = field(default_factory=dict)
    """Former names of datasets and models, and their present ones."""

    def commit(self, repo: str, **files: bytes) -> str:
        """Add a commit with these files changed; return its id."""
        known = self.commits.setdefault(repo, [])
        there = known[-1][1] if known else {}
        known.append((hashlib.sha1(f"{repo} {len(known)}".encode()).hexdigest(), there | files))
        return known[-1][0]

    def answer(self, method: str, target: str, token: str | None, body: bytes, span: str | None = None) -> Answer:
        for former, present in self.moved.items():
            if f"/{former}/" in target:
                return Answer(307, {"Location": target.replace(former, present)}, b"Temporary Redirect")
        parts = urlsplit(target)
        match = _ROUTE.fullmatch(parts.path)
        if match is None and (found := _REPO_ROUTE.fullmatch(parts.path)):
            return self._of_repo(found, parse_qs(parts.query), token, body, span)
        if token not in (None, self.token):
            return _refusal(401, None, "Invalid credentials in Authorization header")
        bucket = match["bucket"] if match else ""
        if match is None or bucket not in self.buckets or (token is None and bucket not in self.public):
            # Without a token, private and absent buckets get the same answer.
            return _refusal(401 if token is None else 404, "RepoNotFound", "Repository not found")
        if bucket in self.hidden:
            return _refusal(403, None, "you have no access to this resource")
        files, path = self.buckets[bucket], unquote(match["path"] or "")
        if match["action"] == "paths-info" and method == "POST":
            return _json([_file(each, files[each]) for each in json.loads(body)["paths"] if each in files])
        if match["action"] == "tree":
            return self._tree(parts.path, parse_qs(parts.query), files, path)
        if path not in files:
            return _refusal(404, "EntryNotFound", "Entry not found")
        return self._resolve(files[path])

    def _of_repo(
        self, asked: re.Match[str], query: dict[str, list[str]], token: str | None, body: bytes, span: str | None
    ) -> Answer:
        repo = asked["repo"] if "/" in asked["repo"].partition("/")[2] else f"models/{asked['repo']}"
        if token not in (None, self.token):
            return _refusal(401, None, "Invalid credentials in Authorization header")
        if repo not in self.commits or (token is None and repo not in self.public):
            return _refusal(401 if token is None else 404, "RepoNotFound", "Repository not found")
        if repo in self.hidden:
            return _refusal(403, None, "you have no access to this resource")
        if repo in self.gated:
            return _refusal(403, "GatedRepo", "Access to this repository is restricted")
        revision = unquote(asked["revision"])
        known = {"main": self.commits[repo][-1]} | {commit: (commit, files) for commit, files in self.commits[repo]}
        if revision not in known:
            return _refusal(404, "RevisionNotFound", "Invalid rev id")
        (commit, files), path = known[revision], unquote(asked["path"] or "")
        if asked["action"] == "revision":
            return _json({"sha": commit, "lastModified": "2026-11-21T10:00:00.000Z"})
        if asked["action"] == "paths-info":
            return _json([_repo_file(each, files[each]) for each in json.loads(body)["paths"] if each in files])
        if asked["action"] == "tree":
            below = {name: data for name, data in files.items() if not path or name.startswith(f"{path}/")}
            if path and not below:
                return _refusal(404, "EntryNotFound", "Entry not found")
            return self._tree(asked[0], query, below, "", _repo_file)
        if path not in files:
            return _refusal(404, "EntryNotFound", "Entry not found")
        return self._resolve_commit(commit, path, files[path], span)

    def _resolve_commit(self, commit: str, path: str, data: bytes, span: str | None) -> Answer:
        if _is_large(path):
            found = self._resolve(data)
            linked = {"X-Repo-Commit": commit, "X-Linked-ETag": f'"{hashlib.sha256(data).hexdigest()}"'}
            return Answer(found.status, {**found.headers, **linked}, found.body)
        told = {"X-Repo-Commit": commit, "ETag": f'"{_git_hash(data)}"'}
        within = _span(span, data)
        if within is None:
            return Answer(200, told, data)
        return Answer(
            206, told | {"Content-Range": f"bytes {within[0]}-{within[1] - 1}/{len(data)}"}, data[slice(*within)]
        )

    def _tree(
        self,
        route: str,
        query: dict[str, list[str]],
        files: dict[str, bytes],
        prefix: str,
        shown: Callable[[str, bytes], dict[str, object]] | None = None,
    ) -> Answer:
        assert query["recursive"] == ["true"]
        found = sorted((path for path in files if path.startswith(prefix)), key=lambda path: path[::-1])
        start = int(query.get("cursor", ["0"])[0])
        page = [(shown or _file)(path, files[path]) for path in found[start : start + PAGE_FILES]]
        headers = {}
        if start + PAGE_FILES < len(found):
            headers["Link"] = f'<{self.url}{route}?recursive=true&cursor={start + PAGE_FILES}>; rel="next"'
        return _json(page, headers)

    def _resolve(self, data: bytes) -> Answer:
        name = secrets.token_hex(16)
        self.signed[name] = data
        headers = {
            "X-Xet-Hash": xet_hash(data),
            "X-Linked-Size": str(len(data)),
            "Location": f"{self.store_url}/{name}?X-Signature={quote(secrets.token_urlsafe(16))}",
        }
        return Answer(302, headers, b"Found. Redirecting")


def xet_hash(data: bytes) -> str:
    """A hash of the real one's length that changes with the content; the real one is not a plain hash."""
    return hashlib.blake2b(data, digest_size=32).hexdigest()


def _file(path: str, data: bytes) -> dict[str, object]:
    return {
        "type": "file",
        "path": path,
        "size": len(data),
        "xetHash": xet_hash(data),
        "mtime": "2026-11-20T10:00:00.000Z",
        "uploadedAt": "2026-11-21T10:00:00.123Z",
    }


def _is_large(path: str) -> bool:
    """Whether git keeps only a pointer to the file (LFS)."""
    return not path.endswith((".txt", ".json"))


def _git_hash(data: bytes) -> str:
    return hashlib.sha1(f"blob {len(data)}\0".encode() + data).hexdigest()


def _repo_file(path: str, data: bytes) -> dict[str, object]:
    common: dict[str, object] = {"type": "file", "path": path, "size": len(data), "oid": _git_hash(data)}
    if not _is_large(path):
        return common
    large = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}
    return common | {"lfs": large, "xetHash": xet_hash(data)}


def _refusal(status: int, code: str | None, message: str) -> Answer:
    headers = {"X-Error-Message": message} | ({"X-Error-Code": code} if code else {})
    return Answer(status, headers, json.dumps({"error": message}).encode())


def _json(body: object, headers: dict[str, str] | None = None) -> Answer:
    return Answer(200, {"Content-Type": "application/json"} | (headers or {}), json.dumps(body).encode())


def _span(header: str | None, data: bytes) -> tuple[int, int] | None:
    match = re.fullmatch(r"bytes=(\d+)-(\d+)", header or "")
    return (int(match[1]), min(int(match[2]) + 1, len(data))) if match else None


@contextmanager
def hub(token: str) -> Iterator[Hub]:
    state = Hub(token)

    class Front(Handler):
        def reply(self) -> None:
            held = self.headers.get("Authorization")
            token = held.removeprefix("Bearer ") if held else None
            self.answer(state.answer(self.command, self.path, token, self.body(), self.headers.get("Range")))

        do_GET = do_POST = do_HEAD = reply  # noqa: N815

    class Store(Handler):
        def do_GET(self) -> None:  # noqa: N802  # the base class's name
            data = state.signed.get(urlsplit(self.path).path.strip("/"))
            if data is None or "Authorization" in self.headers:
                self.answer(Answer(403, body=b"only one auth mechanism allowed"))
                return
            span = _span(self.headers.get("Range"), data)
            if span is None:
                self.answer(Answer(200, body=data))
                return
            start, end = span
            if start >= len(data):
                self.answer(Answer(416))
                return
            self.answer(Answer(206, {"Content-Range": f"bytes {start}-{end - 1}/{len(data)}"}, data[start:end]))

    with ExitStack() as stack:
        state.url = stack.enter_context(serving(Front))
        state.store_url = stack.enter_context(serving(Store))
        yield state
