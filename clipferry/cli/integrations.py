"""`clipferry integrations`: saved access to buckets."""

import json
from pathlib import Path

import click

from clipferry.cli import exits
from clipferry.cli.app import App, verb
from clipferry.cli.credentials import credentials_of
from clipferry.cli.output import Output
from clipferry.models.access import Integration
from clipferry.requests import IntegrationRequest


@click.group()
def integrations() -> None:
    """Saved access to buckets of others."""


@integrations.command()
@click.argument("kind", type=click.Choice(["s3", "s3_role", "gcs", "hf_bucket"]), metavar="s3|s3_role|gcs|hf_bucket")
@click.option("--name", required=True)
@click.option("--bucket", required=True, help="Its name alone; of Hugging Face namespace/name.")
@click.option("--prefix", help="Reach only keys that begin so.")
@click.option("--region")
@click.option("--endpoint-url", metavar="URL")
@click.option("--role-arn", metavar="ARN", help="Of s3_role.")
@click.option(
    "--credentials",
    type=click.Path(path_type=Path, allow_dash=True),
    metavar="FILE",
    help="JSON with the credentials; - is stdin.",
)
@verb
def add(
    app: App,
    *,
    kind: str,
    name: str,
    bucket: str,
    prefix: str | None,
    region: str | None,
    endpoint_url: str | None,
    role_arn: str | None,
    credentials: Path | None,
) -> None:
    """Save access to a bucket.

    Credentials come from a file, from CLIPFERRY_SOURCE_… variables, or are asked for; never from the command line.
    """
    if (kind == "s3_role") != (role_arn is not None):
        raise click.UsageError("--role-arn belongs to s3_role, which needs it")
    request: IntegrationRequest = {
        "type": kind,  # type: ignore[typeddict-item]  # one of the choices
        "name": name,
        "bucket": bucket,
        "prefix": prefix,
        "region": region,
        "endpoint_url": endpoint_url,
        **credentials_of(kind, credentials),
    }
    if role_arn is not None:
        request["role_arn"] = role_arn
    made = app.client.integrations.create(**request)
    _tell(app.out, made)
    if not app.out.as_json:
        app.out.note(f"Test it:  clipferry integrations test {made.id}")


@integrations.command("list")
@verb
def list_(app: App) -> None:
    """List them, oldest first."""
    app.out.rows(
        ("integration", "type", "bucket", "prefix", "name", "last used"),
        (
            (one.raw, (one.id, one.type, one.bucket, one.prefix, one.name, app.out.when(one.last_used)))
            for one in app.client.integrations.list()
        ),
    )


@integrations.command()
@click.argument("integration_id", metavar="ID")
@verb
def show(app: App, *, integration_id: str) -> None:
    """Show one, with the policies that a role needs."""
    _tell(app.out, app.client.integrations.get(integration_id))


@integrations.command()
@click.argument("integration_id", metavar="ID")
@verb
def test(app: App, *, integration_id: str) -> None:
    """Try to list and to read one object. Exit code 1 if either failed."""
    found = app.client.integrations.test(integration_id)
    app.out.rows(
        ("check", "worked", "code", "why"),
        ((one.raw, (one.action, "yes" if one.ok else "no", one.code, one.message)) for one in found.checks),
    )
    if not found.ok:
        raise SystemExit(exits.REFUSED)


@integrations.command()
@click.argument("integration_id", metavar="ID")
@verb
def delete(app: App, *, integration_id: str) -> None:
    """Delete one with its credentials, at once and for good."""
    app.client.integrations.delete(integration_id)
    if app.out.as_json:
        app.out.json({"id": integration_id, "deleted": True})
    else:
        app.out.say(f"integration {integration_id} is deleted")


def _tell(out: Output, one: Integration) -> None:
    if out.as_json:
        out.json(one.raw)
        return
    named = ("name", "type", "bucket", "prefix", "region", "endpoint_url", "role_arn", "external_id")
    out.fields({"integration": one.id} | {name: getattr(one, name) for name in (*named, "created_at", "last_used")})
    for name in ("trust_policy", "permission_policy"):
        if getattr(one, name):
            out.say(f"{name}:")
            for line in json.dumps(getattr(one, name), indent=2).splitlines():
                out.say(line)
