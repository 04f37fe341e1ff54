"""Parse the values of options."""

import math
import re
from typing import Any

import click

from clipferry.requests import ToleratedFailures

UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "KI": 2**10, "MI": 2**20, "GI": 2**30, "TI": 2**40}


class _Range(click.ParamType):  # type: ignore[type-arg]  # older versions of click have none
    """A number in a range, whose errors are sentences: click's own name the range as `x>=1`."""

    min: Any
    max: Any

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Parse the number. Fails unless it is finite and in the range."""
        try:
            found = super().convert(value, param, ctx)
        except click.BadParameter:
            found = math.nan
        if not abs(found) < math.inf:
            limits = f"at least {self.min}" if self.max is None else f"{self.min} to {self.max}"
            self.fail(f"it must be a {self.name}, {limits}, not {str(value)!r}", param, ctx)
        return found


class Count(_Range, click.IntRange):
    """A whole number in a range."""

    name = "whole number"


class Seconds(_Range, click.FloatRange):
    """A time in seconds."""

    name = "number"


def size(text: str) -> int:
    """Parse a size, such as `500`, `10MB` or `1.5GiB`, into bytes."""
    found = re.fullmatch(r"(\d{1,18}(?:\.\d+)?) ?([KMGT]I?)?B?", text.upper())
    if not found:
        raise click.BadParameter(f"{text!r} is not a size: write 500, 10MB or 1.5GiB")
    return int(float(found[1]) * UNITS[found[2] or ""])


def tolerance(text: str) -> ToleratedFailures:
    """Parse the failures that are allowed: `10` clips, or `5%` of them."""
    found = re.fullmatch(r"(\d{1,18})|(\d{1,3}(?:\.\d+)?)%", text)
    if not found:
        raise click.BadParameter(f"{text!r} is neither a number nor a percentage such as 5%")
    return {"count": int(found[1])} if found[1] else {"percent": float(found[2])}
