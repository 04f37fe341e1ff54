# Generated from clipferry/aio/resources/base.py by `make client`: change that file.
"""Read lists page by page."""

from collections.abc import Iterator, Mapping
from typing import TypeVar

from clipferry.decode import Model, decode
from clipferry.errors import UnexpectedAnswer
from clipferry.transport import Transport

PAGE = 1_000
"""Maximum rows of a page."""

M = TypeVar("M", bound=Model)


class Resource:
    """The calls of one part of the API."""

    def __init__(self, transport: Transport) -> None:
        self._http = transport

    def _pages(
        self,
        cls: type[M],
        path: str,
        name: str,
        *,
        limit: int | None = None,
        page: int = PAGE,
        query: Mapping[str, object] | None = None,
    ) -> Iterator[M]:
        """Yield all rows of a list, or the first `limit`. A page is requested when its first row is needed."""
        cursor, left = None, limit
        while left is None or left > 0:
            rows = page if left is None else min(page, left)
            asked = {**(query or {}), "limit": rows, "cursor": cursor}
            answer = self._http.call("GET", path, query=asked, repeatable=True)
            if not isinstance(answer, dict) or not isinstance(answer.get(name), list):
                raise UnexpectedAnswer(f"the service's answer to GET {path} has no list of {name}")
            for row in answer[name]:
                yield decode(cls, row)
            left = None if left is None else left - len(answer[name])
            cursor = answer.get("next_cursor")
            if cursor is None:
                return
