"""The synthesized stack, once per session, without its code bundle (tests/infra/test_bundle.py builds that)."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App
from aws_cdk.assertions import Template

from stacks.bundle import ROOT
from stacks.clipferry import ClipferryStack
from stacks.settings import DeploySettings

# Powertools reads them when a handler's module is imported.
os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "clipferry")
os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "Clipferry")

SOURCE_BUCKETS = ("fleet-a", "fleet.b")
COPY_ROLES = (
    "arn:aws:iam::222222222222:role/clipferry-fleet",
    "arn:aws:iam::222222222222:role/clipferry-other",
    "arn:aws:iam::333333333333:role/clipferry-fleet",
)
KMS_KEY = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "pip: installs packages from the package index or pip's cache")


@pytest.fixture(scope="session")
def cdk_context() -> dict[str, Any]:
    """cdk.json's own feature flags; no stack is bundled."""
    context: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text())["context"]
    return {**context, "aws:cdk:bundling-stacks": []}


@pytest.fixture(scope="session")
def make_stack(
    cdk_context: Mapping[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[DeploySettings], ClipferryStack]:
    def make(deploy: DeploySettings) -> ClipferryStack:
        outdir: Path = tmp_path_factory.mktemp("cdk.out")
        return ClipferryStack(App(context=cdk_context, outdir=str(outdir)), "Clipferry", deploy)

    return make


@pytest.fixture(scope="session")
def deploy() -> DeploySettings:
    return DeploySettings(
        source_buckets=SOURCE_BUCKETS,
        restore_buckets=SOURCE_BUCKETS[:1],
        source_kms_key_arns=(KMS_KEY,),
        copy_roles=COPY_ROLES,
        alarm_email="ops@example.com",
    )


@pytest.fixture(scope="session")
def template(make_stack: Callable[[DeploySettings], ClipferryStack], deploy: DeploySettings) -> Template:
    return Template.from_stack(make_stack(deploy))


@pytest.fixture(scope="session")
def other_template(make_stack: Callable[[DeploySettings], ClipferryStack]) -> Template:
    """Return a second deployment, with the optional parts that the defaults switch off."""
    deploy = DeploySettings(
        stack_name="Staging",
        copy_slots=50,
        kept_concurrency=("api=100", "authorize=50", "on_upload=4"),
        account_concurrency=1_000,
        copy_reserved_concurrency=60,
        extrapolate_reserved_concurrency=20,
        api_logging_role=False,
        rows_expire=False,
        drop_retention_days=45,
        drop_imported_days=7,
        source_buckets=SOURCE_BUCKETS,
        delete_source_buckets=SOURCE_BUCKETS[:1],
        table_deletion_protection=True,
        use_fips_endpoints=True,
        use_dualstack_endpoints=True,
        cors_origins=("https://tools.example.com",),
    )
    return Template.from_stack(make_stack(deploy))


@pytest.fixture(scope="session")
def local_template(make_stack: Callable[[DeploySettings], ClipferryStack]) -> Template:
    return Template.from_stack(make_stack(DeploySettings(local=True, map_concurrency=8, copy_slots=8)))
