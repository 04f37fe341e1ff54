"""As `ftx._common.utils`."""

from argparse import ArgumentParser, ArgumentTypeError


def add_common_arguments(parser: ArgumentParser) -> None:
    """`--host`, `--port`, `--https`, `--user`; all may be left out, and are None then."""
    parser.add_argument("--host", help="name, or full URL with the stage (default: the profile's)")
    parser.add_argument("--port", type=int, help="port of the host, where it is not in a URL")
    parser.add_argument(
        "--https",
        type=_truth,
        nargs="?",
        const=True,
        metavar="true|false",
        help="(default: true, but for this machine)",
    )
    parser.add_argument("--user", help="accepted; the API key says who asks")


def _truth(text: str) -> bool:
    try:
        return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}[text.lower()]
    except KeyError:
        raise ArgumentTypeError(f"true or false, not {text!r}") from None
