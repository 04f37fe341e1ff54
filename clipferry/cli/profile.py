"""`clipferry profile`: the profiles that `clipferry login` has saved."""

from typing import Any

import click

from clipferry.cli.app import App
from clipferry.cli.ids import confirmed
from clipferry.cli.options import complete_profiles
from clipferry.cli.verbs import noun, verb
from clipferry.config import profiles_path, read_profiles, write_profiles
from clipferry.decode import Model

profile = noun("profile", "List, choose and remove saved services and keys.")

_name = click.argument("name", metavar="PROFILE", shell_complete=complete_profiles)


@verb(profile, "list", lists=True)
def list_(app: App) -> None:
    """List the saved profiles, without their keys."""
    profiles = read_profiles(profiles_path())
    found = [
        {"profile": name, "base_url": one.base_url, "project": one.project, "default": name == profiles.default}
        for name, one in sorted(profiles.by_name.items())
    ]
    app.out.rows(
        Model,
        [Model(raw=one) for one in found],
        {
            "profile": "profile",
            "service": "base_url",
            "project": "project",
            "default": lambda one: "default" if one.raw["default"] else None,
        },
        shorten=("service",),
    )


@verb(profile)
@_name
def use(app: App, *, name: str) -> None:
    """Make a profile the default one."""
    path = profiles_path()
    write_profiles(path, read_profiles(path).with_default(name))
    _done(app, {"profile": name, "default": True}, f"profile {name} is the default")


@verb(profile)
@_name
@confirmed
def remove(app: App, *, name: str, yes: bool) -> None:
    """Remove a profile with its key. The key stays valid.

    `clipferry keys revoke` ends it.
    """
    path = profiles_path()
    profiles = read_profiles(path)
    profiles.named(name)
    app.confirm(f"Remove profile {name}, with the only copy of its key here?", yes=yes)
    write_profiles(path, profiles.without(name))
    _done(app, {"profile": name, "removed": True}, f"profile {name} is removed")


def _done(app: App, document: dict[str, Any], sentence: str) -> None:
    app.out.done(document, sentence, subject=document["profile"])
