"""Write what the dashboard is built from: the API's OpenAPI document, and what each code means.

python -m local.contract openapi.json codes.json
"""

import ast
import inspect
import itertools
import json
import os
import sys
from pathlib import Path
from types import ModuleType

os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "clipferry")

SHOWN = "/v1/"
"""Only these paths: the dashboard does not call those of the NomadicML SDKs."""


def openapi() -> str:
    from lambdas.api import app
    from lambdas.reference import document

    whole = json.loads(document(app))
    whole["paths"] = {path: one for path, one in whole["paths"].items() if path.startswith(SHOWN)}
    for operations in whole["paths"].values():
        for one in operations.values():
            # Every error has one shape.
            one["responses"] = {status: answer for status, answer in one["responses"].items() if status < "3"}
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def codes() -> str:
    """The sentence of each code of clips and imports, as its docstring says it."""
    from service.domain import codes as of_clips
    from service.formats import failures as of_content

    found = sentences(of_clips) | sentences(of_content)
    return json.dumps(dict(sorted(found.items())), indent=1, ensure_ascii=False) + "\n"


def sentences(module: ModuleType) -> dict[str, str]:
    """The docstring below each `NAME = "VALUE"` in the module's classes."""
    found: dict[str, str] = {}
    for one in ast.parse(inspect.getsource(module)).body:
        body = one.body if isinstance(one, ast.ClassDef) else []
        for line, below in itertools.pairwise(body):
            if (
                isinstance(line, ast.Assign)
                and isinstance(line.value, ast.Constant)
                and isinstance(below, ast.Expr)
                and isinstance(below.value, ast.Constant)
            ):
                found[str(line.value.value)] = " ".join(str(below.value.value).split())
    return found


def main() -> int:
    to_openapi, to_codes = map(Path, sys.argv[1:])
    to_openapi.parent.mkdir(parents=True, exist_ok=True)
    to_openapi.write_text(openapi(), "utf-8")
    to_codes.write_text(codes(), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
