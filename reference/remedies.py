"""The file of the command line that says what each code means: it has no access to the service's code."""

import json
from pathlib import Path

from reference import codes

PAGE = Path(__file__).resolve().parents[1] / "clipferry" / "cli" / "codes.json"


def renewed(_text: str) -> str:
    """The file, as the code's docstrings and `docs/validation.md` explain the codes now."""
    explained = codes.of_clips_and_imports() | codes.of_content_checks()
    return json.dumps(dict(sorted(explained.items())), indent=1, ensure_ascii=False) + "\n"
