"""Stands in for `ftx._common.utils`."""

from argparse import ArgumentParser, ArgumentTypeError


def add_common_arguments(parser: ArgumentParser) -> None:
    """Add `--host`, `--port`, `--https` and `--user`. All are optional; the default is None."""
    parser.add_argument("--host", help="host name, or full URL with the stage (default: the profile's URL)")
    parser.add_argument("--port", type=int, help="port, if the host does not contain it")
    parser.add_argument(
        "--https",
        type=_truth,
        nargs="?",
        const=True,
        metavar="true|false",
        help="use https (default: true, except for this machine)",
    )
    parser.add_argument("--user", help="has no effect: the API key identifies the user")


def _truth(text: str) -> bool:
    try:
        return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}[text.lower()]
    except KeyError:
        raise ArgumentTypeError(f"true or false, not {text!r}") from None
