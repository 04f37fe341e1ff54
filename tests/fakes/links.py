"""Links to clips that lead nowhere, and say what they were made with."""

from urllib.parse import urlencode


class FakeClipLinks:
    origin = "https://clips.example.com"

    def clip_url(self, key: str, *, seconds: int, content_type: str | None = None, name: str | None = None) -> str:
        given = {"seconds": str(seconds), "content_type": content_type or "", "name": name or ""}
        return f"{self.origin}/{key}?{urlencode(given)}"
