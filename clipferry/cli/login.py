"""`clipferry login`"""

import os
import sys

import click

from clipferry.cli.app import App, verb
from clipferry.client import Clipferry
from clipferry.config import API_KEY, BASE_URL, Profile, checked_url, profiles_path, read_profiles, write_profiles
from clipferry.errors import ConfigError

DEFAULT_NAME = "default"


@click.command()
@click.option("--base-url", metavar="URL", help="The service, as `cdk deploy` prints it (BaseUrl).")
@verb
def login(app: App, *, base_url: str | None) -> None:
    """Save a service and a key as a profile (--profile names it).

    The key is asked for, or read from stdin or CLIPFERRY_API_KEY; it is tried before it is saved.
    """
    path = profiles_path()
    profiles = read_profiles(path)
    name = app.profile or DEFAULT_NAME
    url = checked_url(base_url or os.environ.get(BASE_URL) or _asked_url())
    key = os.environ.get(API_KEY) or _asked_key()
    with Clipferry(url, key) as client:
        caller = client.keys.current()
    write_profiles(path, profiles.with_one(name, Profile(base_url=url, api_key=key, project=caller.project)))
    if app.out.as_json:
        app.out.json({"profile": name, "base_url": url, "project": caller.project})
        return
    whose = f"the project {caller.project}" if caller.project else "the admin, who manages keys only"
    app.out.say(f"Logged in to {url} as {whose}: profile {name}, in {path}")


def _asked_url() -> str:
    if not sys.stdin.isatty():
        raise ConfigError(f"which service? Give --base-url, or set {BASE_URL}")
    return str(click.prompt("Base URL", err=True))


def _asked_key() -> str:
    """From a hidden prompt; without a terminal the first line of stdin. Raises `ConfigError` if that is empty."""
    key = str(click.prompt("API key", hide_input=True, err=True)) if sys.stdin.isatty() else sys.stdin.readline()
    if not key.strip():
        raise ConfigError(f"no key: pass it on stdin, or set {API_KEY}")
    return key.strip()
