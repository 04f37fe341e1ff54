"""Fuzz the content checks with atheris, which is no dependency of the project:

    python3 -m venv .cache/fuzz && .cache/fuzz/bin/pip install atheris
    .cache/fuzz/bin/python -m tests.fuzz.formats [.cache/corpus] -max_total_time=3600

Each input's first byte picks the format; the rest is the object. The seeds are the kinds of the unit tests. A finding
is any exception, a passed limit, or a `structure` check that refuses what `deep` accepts.
"""

import sys
from pathlib import Path

import atheris  # type: ignore[import-untyped]

with atheris.instrument_imports(include=["service.formats"]):
    from service.formats import limits
    from service.formats.check import Depth, check_clip
    from service.formats.facts import Verdict

SEEDS = Path(".cache/fuzz-seeds")
FORMATS = ("clip.zip", "clip.mp4")


class Source:
    def __init__(self, data: bytes) -> None:
        self.data, self.size, self.reads = data, len(data), 0

    def read(self, start: int, length: int) -> bytes:
        self.reads += 1
        assert start >= 0
        assert 0 < length <= limits.MAX_READ_BYTES
        assert start + length <= self.size
        return self.data[start : start + length]


def one_input(data: bytes) -> None:
    if not data:
        return
    key = FORMATS[data[0] % len(FORMATS)]
    verdicts: list[Verdict] = []
    for depth in Depth:
        source = Source(data[1:])
        verdicts.append(check_clip(key, source, depth=depth))
        assert source.reads == verdicts[-1].reads <= limits.MAX_READS
        assert verdicts[-1].message is None or verdicts[-1].message.isprintable()
        duration = verdicts[-1].facts.duration_s
        assert duration is None or duration > 0
    structure, deep = verdicts
    assert not (structure.failure and deep.finding is None), (structure, deep)


def write_seeds() -> None:
    """The files of the unit tests' kinds."""
    from tests.unit.formats import making, test_films, test_kinds_of_films, test_kinds_of_zips, test_zips

    SEEDS.mkdir(parents=True, exist_ok=True)
    films = [kind.make for kind in test_kinds_of_films.KINDS.values()] + list(test_films.FINE.values())
    zips = [make for make, _ in test_kinds_of_zips.FINE.values()] + list(test_zips.FINE.values())
    for prefix, makes in ((b"\1", films), (b"\0", zips)):
        for number, make in enumerate(makes):
            data = make()
            if len(data) < 40_000:
                (SEEDS / f"{prefix.hex()}-{number}").write_bytes(prefix + data)
    (SEEDS / "small").write_bytes(b"\0" + making.write_zip(making.members()[:1]))


def main() -> None:
    write_seeds()
    corpus = [argument for argument in sys.argv[1:] if not argument.startswith("-")] or [".cache/fuzz-corpus"]
    Path(corpus[0]).mkdir(parents=True, exist_ok=True)
    options = [argument for argument in sys.argv[1:] if argument.startswith("-")]
    atheris.Setup([sys.argv[0], *corpus, str(SEEDS), *options], one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
