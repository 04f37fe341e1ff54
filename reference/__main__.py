"""Write the generated pages: `python -m reference FOLDER`. `make docs` then builds the site with them."""

import sys
from pathlib import Path

from reference import api, commands


def main() -> int:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (("http.md", api.page()), ("commands.md", commands.page())):
        (folder / name).write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
