"""Credentials of an integration: from a file, from the environment, or from a hidden prompt."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from clipferry.requests import IntegrationRequest

VARIABLES: Mapping[str, Mapping[str, str]] = {
    "s3": {
        "access_key_id": "CLIPFERRY_SOURCE_ACCESS_KEY_ID",
        "secret_access_key": "CLIPFERRY_SOURCE_SECRET_ACCESS_KEY",
        "session_token": "CLIPFERRY_SOURCE_SESSION_TOKEN",
    },
    "hf_bucket": {"token": "CLIPFERRY_SOURCE_TOKEN"},
    "gcs": {"service_account": "CLIPFERRY_SOURCE_SERVICE_ACCOUNT"},
    "s3_role": {},
}
"""Of each type: the API's field → the variable that holds it. Not the AWS variables: those are the user's own."""

OPTIONAL = {"session_token", "token"}


def credentials_of(kind: str, file: Path | None) -> IntegrationRequest:
    """The API's fields of a type. What neither file nor environment has is asked for on a terminal.

    Raises `click.UsageError`, which names no value.
    """
    variables = VARIABLES[kind]
    if file is not None:
        return _from_file(kind, file)
    found = {name: os.environ[variable] for name, variable in variables.items() if os.environ.get(variable)}
    if kind == "gcs":
        if "service_account" not in found:
            raise click.UsageError(
                f"give the key file: --credentials FILE, or its text in {variables['service_account']}"
            )
        return {"service_account": _object(found["service_account"], variables["service_account"])}
    for name, variable in variables.items():
        if name in found or name == "session_token":
            continue
        if not sys.stdin.isatty():
            if name in OPTIONAL:
                continue
            raise click.UsageError(f"no {name}: give --credentials FILE, or set {variable}")
        text = click.prompt(name, hide_input=name != "access_key_id", default="", show_default=False, err=True)
        if text:
            found[name] = text
        elif name not in OPTIONAL:
            raise click.UsageError(f"no {name} was given")
    return found  # type: ignore[return-value]  # the keys are those of VARIABLES


def _from_file(kind: str, file: Path) -> IntegrationRequest:
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"cannot read {file}: {error}") from None
    content = _object(text, str(file))
    if kind == "gcs":
        return {"service_account": content}
    unknown = sorted(set(content) - set(VARIABLES[kind]))
    if unknown:
        raise click.UsageError(f"{file} has {', '.join(unknown)}; of {kind}: {', '.join(VARIABLES[kind]) or 'nothing'}")
    return content  # type: ignore[return-value]  # the keys are those of VARIABLES


def _object(text: str, where: str) -> dict[str, object]:
    try:
        found = json.loads(text)
    except ValueError:
        raise click.UsageError(f"{where} is no JSON") from None
    if not isinstance(found, dict):
        raise click.UsageError(f"{where} is no JSON object")
    return found
