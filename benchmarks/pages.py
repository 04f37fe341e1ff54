"""Figures in pages of docs/, between two comments that only readers of the source see."""


def with_figures(text: str, begin: str, end: str, figures: str) -> str:
    """The page with what stands between `begin` and `end` replaced. Each must be there once."""
    assert (text.count(begin), text.count(end)) == (1, 1), (begin, end)
    return f"{text.partition(begin)[0]}{begin}\n{figures}\n{end}{text.partition(end)[2]}"
