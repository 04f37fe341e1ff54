"""One-time ways into the dashboard: a link that signs this browser's tab in, once, without the key in a URL.

The emulator and the API have one origin here, so a page of the emulator may write the tab's session storage.
"""

import json
import secrets

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Clipferry</title>
<script>sessionStorage.setItem("clipferry.key", {key}); location.replace({url});</script></html>
"""
_USED = "This link worked once already, or never. Run `make local` again for a new one, or sign in with the key.\n"


class WaysIn:
    """Codes of links that were not used yet."""

    def __init__(self) -> None:
        self._open: dict[str, tuple[str, str]] = {}

    def add(self, key: str, url: str) -> str:
        """Return the path of a link that signs in with `key` and leads to `url`, a path of this origin."""
        if not isinstance(key, str) or not isinstance(url, str) or not url.startswith("/"):
            raise ValueError("key and url are text, and url is a path")
        code = secrets.token_urlsafe(18)
        self._open[code] = (key, url)
        return f"/_clipferry/enter/{code}"

    def enter(self, code: str) -> tuple[int, str, str]:
        """(status, content type, body) of the answer to the link."""
        found = self._open.pop(code, None)
        if found is None:
            return 410, "text/plain; charset=utf-8", _USED
        key, url = (json.dumps(text).replace("<", "\\u003c") for text in found)
        return 200, "text/html; charset=utf-8", _PAGE.replace("{key}", key).replace("{url}", url)
