"""Port of links by which a browser reads clips, without credentials of its own."""

from typing import Protocol


class ClipLinks(Protocol):
    """Links to objects of the clips bucket."""

    @property
    def origin(self) -> str:
        """Scheme, host and port of the links to clips."""
        ...

    def clip_url(self, key: str, *, seconds: int, content_type: str | None = None, name: str | None = None) -> str:
        """Return a URL from which anyone can read the object, also by ranges, for that long.

        `content_type` replaces the object's own. With `name`, browsers save it as a file of that name.
        """
        ...
