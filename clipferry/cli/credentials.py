"""Find the credentials of an integration: in a file, in the environment, or by a hidden prompt."""

import os
import sys
from collections.abc import Mapping

import click

from clipferry.cli.files import Document
from clipferry.requests import IntegrationRequest

VARIABLES: Mapping[str, Mapping[str, str]] = {
    "s3": {
        "access_key_id": "CLIPFERRY_SOURCE_ACCESS_KEY_ID",
        "secret_access_key": "CLIPFERRY_SOURCE_SECRET_ACCESS_KEY",
        "session_token": "CLIPFERRY_SOURCE_SESSION_TOKEN",
        "customer_key": "CLIPFERRY_SOURCE_CUSTOMER_KEY",
    },
    "hf_bucket": {"token": "CLIPFERRY_SOURCE_TOKEN"},
    "gcs": {"service_account": "CLIPFERRY_SOURCE_SERVICE_ACCOUNT"},
    "s3_role": {"customer_key": "CLIPFERRY_SOURCE_CUSTOMER_KEY"},
}
"""For each type: field of the API → environment variable. AWS's own variables are not used: they are the user's."""

OPTIONAL = {"session_token", "token", "customer_key"}
RARE = {"session_token", "customer_key"}
"""Fields that no prompt asks for."""


def credentials_of(kind: str, file: Document | None) -> IntegrationRequest:
    """Return the fields with the credentials of one type of integration.

    On a terminal a prompt asks for what neither the file nor the environment has.
    Raises `click.UsageError`, which contains no value.
    """
    variables = VARIABLES[kind]
    if file is not None:
        return _from_file(kind, file)
    found = {name: os.environ[variable] for name, variable in variables.items() if os.environ.get(variable)}
    if kind == "gcs":
        if "service_account" not in found:
            raise click.UsageError(
                f"no key file: give --credentials FILE, or its text in {variables['service_account']}"
            )
        key_file = Document(variables["service_account"], found["service_account"].lstrip("\ufeff"))
        return {"service_account": key_file.json(dict, "object")}
    for name, variable in variables.items():
        if name in found or name in RARE:
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


def _from_file(kind: str, file: Document) -> IntegrationRequest:
    content = file.json(dict, "object")
    if kind == "gcs":
        return {"service_account": content}
    unknown = sorted(set(content) - set(VARIABLES[kind]))
    if unknown:
        fields = ", ".join(VARIABLES[kind]) or "none"
        raise click.UsageError(f"{file.name} has {', '.join(unknown)}; the fields of {kind}: {fields}")
    return content  # type: ignore[no-any-return]  # the keys are those of VARIABLES
