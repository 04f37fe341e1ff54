"""Parse the values of options."""

import re

import click

from clipferry.requests import ToleratedFailures

UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "KI": 2**10, "MI": 2**20, "GI": 2**30, "TI": 2**40}


class Count(click.IntRange):
    """A whole number in a range."""

    name = "whole number"  # click's errors say it


class Seconds(click.FloatRange):
    """A time in seconds."""

    name = "number"


def size(text: str) -> int:
    """Parse a size, such as `500`, `10MB` or `1.5GiB`, into bytes."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?([KMGT]I?)?B?", text.upper())
    if not found:
        raise click.BadParameter(f"{text!r} is not a size: write 500, 10MB or 1.5GiB")
    return int(float(found[1]) * UNITS[found[2] or ""])


def tolerance(text: str) -> ToleratedFailures:
    """Parse the failures that are allowed: `10` clips, or `5%` of them."""
    try:
        return {"percent": float(text[:-1])} if text.endswith("%") else {"count": int(text)}
    except ValueError:
        raise click.BadParameter(f"{text!r} is neither a number nor a percentage such as 5%") from None
