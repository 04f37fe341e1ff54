"""Renew the generated parts of `docs/reference`, and the codes of the command line: `python -m reference.renew`."""

import sys

from reference import codes, remedies, settings


def main() -> int:
    for module in (codes, settings, remedies):
        module.PAGE.write_text(module.renewed(module.PAGE.read_text("utf-8")), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
