"""`clipferry profile`: what `clipferry login` saved."""

import click

from clipferry.cli.app import App, verb
from clipferry.config import profiles_path, read_profiles, write_profiles


@click.group()
def profile() -> None:
    """Saved services and keys."""


@profile.command("list")
@verb
def list_(app: App) -> None:
    """List profiles; their keys are not shown."""
    path = profiles_path()
    profiles = read_profiles(path)
    found = [
        {"profile": name, "base_url": one.base_url, "project": one.project, "default": name == profiles.default}
        for name, one in sorted(profiles.by_name.items())
    ]
    app.out.rows(
        ("profile", "service", "project", ""),
        (
            (one, (one["profile"], one["base_url"], one["project"], "default" if one["default"] else ""))
            for one in found
        ),
    )


@profile.command()
@click.argument("name")
@verb
def use(app: App, *, name: str) -> None:
    """Make a profile the default one."""
    path = profiles_path()
    write_profiles(path, read_profiles(path).with_default(name))
    _done(app, name, "the default")


@profile.command()
@click.argument("name")
@verb
def remove(app: App, *, name: str) -> None:
    """Forget a profile with its key. The key stays valid: `clipferry keys revoke` ends it."""
    path = profiles_path()
    profiles = read_profiles(path)
    profiles.named(name)
    write_profiles(path, profiles.without(name))
    _done(app, name, "removed")


def _done(app: App, name: str, what: str) -> None:
    if app.out.as_json:
        app.out.json({"profile": name, what.removeprefix("the "): True})
    else:
        app.out.say(f"profile {name} is {what}")
