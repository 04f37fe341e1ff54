"""Read the files that options name: UTF-8, whatever the locale, with or without a byte order mark."""

import codecs
import io
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_STDIN = "clipferry.stdin"


@dataclass(frozen=True)
class Document:
    """The text of a file, with its name for errors."""

    name: str
    text: str

    def lines(self) -> list[str]:
        """The lines without their ends. Blank lines and comments (`#`) are left out.

        Spaces at the ends of a line stay, because they are part of a key.
        """
        lines = (line.removesuffix("\n") for line in io.StringIO(self.text, newline=None))
        return [line for line in lines if line.strip() and not line.lstrip().startswith("#")]

    def json(self, kind: type, what: str) -> Any:
        """The parsed JSON. Raises `click.UsageError`, without the content, unless it is a `kind`."""
        try:
            found = json.loads(self.text)
            json.dumps(found, allow_nan=False)  # Python reads NaN and 1e999; no request can hold them
        except json.JSONDecodeError as error:
            raise click.UsageError(f"{self.name} is not valid JSON: {error}") from None
        except (ValueError, RecursionError):
            raise click.UsageError(f"{self.name} is not JSON that can be read") from None
        if not isinstance(found, kind):
            raise click.UsageError(f"{self.name} is not a JSON {what}")
        return found


class Utf8File(click.ParamType):  # type: ignore[type-arg]  # older versions of click have none
    """A path, or `-` for stdin. The value is a `Document`."""

    name = "file"
    about = "A JSON file; - is stdin."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Document:
        """Read the file. Fails with a sentence that says which file is wrong, and how."""
        if isinstance(value, Document):
            return value
        if value == "-" and ctx is not None and ctx.meta.setdefault(_STDIN, param) is not param:
            self.fail("only one option can read stdin", param, ctx)
        try:
            content = sys.stdin.buffer.read() if value == "-" else Path(value).read_bytes()
            return Document("stdin" if value == "-" else value, decoded(content))
        except OSError as error:
            self.fail(f"cannot read {value}: {error.strerror}", param, ctx)
        except ValueError as error:
            self.fail(f"cannot read {value}: {error}", param, ctx)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002
        """Let the shell complete paths."""
        return [CompletionItem(incomplete, type="file")]


def decoded(content: bytes) -> str:
    """Decode UTF-8 and drop a byte order mark. Raises `ValueError` with a sentence for other encodings."""
    if content.startswith(_UTF16) or b"\0" in content:
        raise ValueError("it is UTF-16 or binary; save it as UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(f"line {line} is not UTF-8; save it as UTF-8") from None
