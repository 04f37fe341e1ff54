"""Replace generated figures in pages of docs/, between two HTML comments."""


def with_figures(text: str, begin: str, end: str, figures: str) -> str:
    """Return the page with new figures between `begin` and `end`. Each must occur once."""
    assert (text.count(begin), text.count(end)) == (1, 1), (begin, end)
    return f"{text.partition(begin)[0]}{begin}\n{figures}\n{end}{text.partition(end)[2]}"
