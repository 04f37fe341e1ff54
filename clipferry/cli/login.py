"""`clipferry login`"""

import os
import sys

import click

from clipferry.cli.app import App
from clipferry.cli.files import decoded
from clipferry.cli.verbs import verb
from clipferry.client import Clipferry
from clipferry.config import API_KEY, BASE_URL, Profile, checked_url, profiles_path, read_profiles, write_profiles
from clipferry.errors import ConfigError

DEFAULT_NAME = "default"


@verb()
@click.option("--base-url", metavar="URL", help="The service's URL: BaseUrl in the output of `cdk deploy`.")
def login(app: App, *, base_url: str | None) -> None:
    """Save a service's URL and an API key as a profile.

    The key comes from CLIPFERRY_API_KEY, from stdin, or from a prompt. It is tried before it is saved. --profile names
    the profile.
    """
    path = profiles_path()
    profiles = read_profiles(path)
    name = app.profile or DEFAULT_NAME
    app.base_url = checked_url(base_url or os.environ.get(BASE_URL) or _asked_url())
    key = os.environ.get(API_KEY) or _asked_key()
    with Clipferry(app.base_url, key) as client:
        caller = client.keys.current()
    saved = Profile(base_url=app.base_url, api_key=key, project=caller.project)
    write_profiles(path, profiles.with_one(name, saved))
    whose = f"the project {caller.project}" if caller.project else "the admin, who imports nothing"
    app.out.done(
        {"profile": name, "base_url": app.base_url, "project": caller.project},
        f"Logged in to {app.base_url} as {whose}: profile {name}, in {path}",
        subject=name,
    )


def _asked_url() -> str:
    if not sys.stdin.isatty():
        raise ConfigError(f"no service is known: give --base-url, or set {BASE_URL}")
    return str(click.prompt("Base URL", err=True))


def _asked_key() -> str:
    """Read the key from a hidden prompt, or the first line of stdin. Raises `ConfigError` if there is none."""
    try:
        key = (
            str(click.prompt("API key", hide_input=True, err=True))
            if sys.stdin.isatty()
            else decoded(sys.stdin.buffer.readline())
        )
    except ValueError as error:
        raise ConfigError(f"stdin is not an API key: {error}") from None
    if not key.strip():
        raise ConfigError(f"no API key: give it on stdin, or set {API_KEY}")
    return key.strip()
