"""`clipferry integrations`: saved access to buckets."""

import json

import click

from clipferry.cli import exits
from clipferry.cli.app import App
from clipferry.cli.credentials import credentials_of
from clipferry.cli.files import Document, Utf8File
from clipferry.cli.ids import INTEGRATION, confirmed
from clipferry.cli.verbs import noun, verb
from clipferry.models.access import Check, Integration
from clipferry.requests import IntegrationRequest

KINDS = ("s3", "s3_role", "gcs", "hf_bucket")

integrations = noun("integrations", "Save and test access to more buckets.")

_id = click.argument("integration_id", type=INTEGRATION, metavar="INTEGRATION")


@verb(integrations)
@click.argument("kind", type=click.Choice(KINDS), metavar="TYPE")
@click.option("--name", required=True, metavar="NAME", help="The integration's name.")
@click.option("--bucket", required=True, metavar="NAME", help="The bucket; for Hugging Face namespace/name.")
@click.option("--prefix", metavar="KEY", help="Open only keys that begin with this.")
@click.option("--region", metavar="REGION", help="The bucket's region, for s3 and s3_role.")
@click.option("--endpoint-url", metavar="URL", help="The store's URL, if it is not the provider's own.")
@click.option("--role-arn", metavar="ARN", help="The role to assume, for s3_role.")
@click.option("--requester-pays", is_flag=True, help="Pay for the requests, where the bucket's owner does not.")
@click.option("--allow-delete", is_flag=True, help="Let imports with --delete-source delete what they copied.")
@click.option("--credentials", type=Utf8File(), metavar="FILE", help="Read credentials from a JSON file; - is stdin.")
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
    requester_pays: bool,
    allow_delete: bool,
    credentials: Document | None,
) -> None:
    """Save access to a bucket. TYPE is s3, s3_role, gcs or hf_bucket.

    The credentials come from --credentials, from CLIPFERRY_SOURCE_... variables, or from a prompt. They are never
    arguments, because other users of a machine can see those.
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
    if requester_pays:
        request["requester_pays"] = True
    if allow_delete:
        request["allow_delete"] = True
    made = app.client.integrations.create(**request)
    _show(app, made)
    app.out.hint(f"Test it:  clipferry integrations test {made.id}")


@verb(integrations, "list", lists=True)
def list_(app: App) -> None:
    """List the integrations, oldest first."""
    app.out.rows(
        Integration,
        app.client.integrations.list(),
        {
            "integration": "id",
            "type": "type",
            "bucket": "bucket",
            "prefix": "prefix",
            "name": "name",
            "last used": lambda one: app.out.when(one.last_used),
        },
        shorten=("bucket", "prefix", "name"),
    )


@verb(integrations)
@_id
def show(app: App, *, integration_id: str) -> None:
    """Show an integration, with the policies that its role needs."""
    _show(app, app.client.integrations.get(integration_id))


@verb(integrations)
@_id
def test(app: App, *, integration_id: str) -> None:
    """List the bucket and read an object. Exit code 1 if that fails."""
    found = app.client.integrations.test(integration_id)
    if app.out.as_json:
        app.out.json(found.raw)
    else:
        app.out.rows(
            Check,
            found.checks,
            {"check": "action", "worked": lambda one: "yes" if one.ok else "no", "code": "code", "why": "message"},
            shorten=("why",),
        )
    if not found.ok:
        raise SystemExit(exits.REFUSED)


@verb(integrations)
@_id
@click.option(
    "--allow-delete/--no-allow-delete", required=True, help="Whether imports may delete the objects that they copied."
)
def change(app: App, *, integration_id: str, allow_delete: bool) -> None:
    """Change whether imports with --delete-source may delete sources."""
    _show(app, app.client.integrations.change(integration_id, allow_delete=allow_delete))


@verb(integrations)
@_id
@confirmed
def delete(app: App, *, integration_id: str, yes: bool) -> None:
    """Delete an integration and its credentials, at once."""
    app.confirm(f"Delete integration {integration_id} and its credentials? This cannot be undone.", yes=yes)
    app.client.integrations.delete(integration_id)
    document = {"id": integration_id, "deleted": True}
    app.out.done(document, f"integration {integration_id} is deleted", subject=integration_id)


def _show(app: App, one: Integration) -> None:
    app.out.show(
        one.raw,
        {
            "integration": one.id,
            "name": one.name,
            "type": one.type,
            "bucket": one.bucket,
            "prefix": one.prefix,
            "region": one.region,
            "endpoint URL": one.endpoint_url,
            "role": one.role_arn,
            "external id": one.external_id,
            "requester pays": "yes" if one.requester_pays else None,
            "may delete": "yes" if one.allow_delete else "no",
            "created": one.created_at,
            "last used": one.last_used,
        },
    )
    for name in ("trust_policy", "permission_policy"):
        if getattr(one, name):
            app.out.say(f"{name.replace('_', ' ')}:")
            for line in json.dumps(getattr(one, name), indent=2).splitlines():
                app.out.say(line)
