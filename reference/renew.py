"""Renew the generated parts of the pages in `docs/reference`: `python -m reference.renew`."""

import sys

from reference import codes, settings


def main() -> int:
    for module in (codes, settings):
        module.PAGE.write_text(module.renewed(module.PAGE.read_text("utf-8")), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
