"""Cursors."""

import pytest

from service.domain.errors import InvalidCursor
from service.support.paging import decode_cursor, encode_cursor


@pytest.mark.parametrize("added", ["!", " ", "\n", "+", "/", "é", "=="])
def test_a_cursor_with_foreign_characters_is_refused(added: str) -> None:
    cursor = encode_cursor("position", scope="a list")
    assert decode_cursor(cursor, scope="a list") == "position"
    with pytest.raises(InvalidCursor):
        decode_cursor(cursor[:4] + added + cursor[4:], scope="a list")
