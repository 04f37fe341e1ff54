"""Write the API's OpenAPI document, from which the dashboard's types are made: `python -m local.contract FILE`."""

import json
import os
import sys
from pathlib import Path

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


def main() -> int:
    page = Path(sys.argv[1])
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(openapi(), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
