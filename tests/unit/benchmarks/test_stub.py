"""The stub that measurements list: its pages of Google's API have every object once."""

import asyncio
import json

from benchmarks.stub import Clock, Store, key_of


def test_pages_of_google_go_on_by_token_and_begin_at_the_offset() -> None:
    loop = asyncio.new_event_loop()
    clock = Clock(loop, 0.0)
    store, query, names = Store(2_500, clock, clock, 0.0), {"prefix": ["clips/"]}, list[str]()
    while True:
        page = json.loads(store.google_page(query))
        names += [item["name"] for item in page["items"]]
        if "nextPageToken" not in page:
            break
        query = query | {"pageToken": [page["nextPageToken"]]}
    assert names == [key_of(number) for number in range(2_500)]
    began = json.loads(store.google_page({"startOffset": [key_of(7)], "maxResults": ["3"]}))
    assert [item["name"] for item in began["items"]] == [key_of(number) for number in (7, 8, 9)]
    loop.close()
