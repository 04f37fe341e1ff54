"""Deploy settings: where they come from, and what is refused before anything is synthesized."""

from dataclasses import asdict, fields
from typing import Any

import pytest

from service.domain.errors import InvalidSettings
from service.imports.previews.estimate import COPY_GB
from service.sources.deadline import LAST_SECONDS
from stacks.bundle import ROOT
from stacks.import_functions import COPY_MB
from stacks.settings import DeploySettings
from tests.builders import DEPLOYMENT
from tests.infra.conftest import COPY_ROLES, KMS_KEY


def read(**context: Any) -> DeploySettings:
    return DeploySettings.from_context(context)


def test_without_context_every_setting_has_its_default() -> None:
    assert read() == DeploySettings()
    assert DeploySettings().source_buckets == ()


def test_the_clipferry_object_sets_values() -> None:
    settings = read(clipferry={"source_buckets": ["fleet-a"], "map_concurrency": 7, "local": True})
    assert (settings.source_buckets, settings.map_concurrency, settings.local) == (("fleet-a",), 7, True)


def test_an_override_on_the_command_line_wins_and_is_parsed_from_text() -> None:
    settings = read(
        clipferry={"source_buckets": ["fleet-a"], "map_concurrency": 7},
        source_buckets="fleet-b, fleet-c",
        map_concurrency="8",
        local="true",
        alarm_email="ops@example.com",
    )
    assert settings.source_buckets == ("fleet-b", "fleet-c")
    assert (settings.map_concurrency, settings.local, settings.alarm_email) == (8, True, "ops@example.com")


def test_the_defaults_of_imports_are_settings() -> None:
    assert (DeploySettings().default_on_existing, DeploySettings().default_content_validation) == ("skip", "structure")
    settings = read(clipferry={"default_on_existing": "fail"}, default_content_validation="deep")
    assert (settings.default_on_existing, settings.default_content_validation) == ("fail", "deep")


def test_an_empty_override_empties_a_list() -> None:
    assert read(clipferry={"source_buckets": ["fleet-a"]}, source_buckets="").source_buckets == ()


def test_whole_numbers_that_jsii_made_floats_are_numbers() -> None:
    assert read(clipferry={"api_rate": 20.0}).api_rate == 20


def test_cdk_json_is_valid_and_knows_no_key_that_the_code_does_not(cdk_context: dict[str, Any]) -> None:
    assert DeploySettings.from_context(cdk_context) == DeploySettings()


def test_the_context_may_have_names_of_others() -> None:
    assert read(**{"@aws-cdk/core:checkSecretUsage": True, "team": "perception"}) == DeploySettings()


@pytest.mark.parametrize(
    ("context", "sentence"),
    [
        (
            {"clipferry": {"source_bucket": "x"}},
            "unknown deploy settings: source_bucket. Known are: stack_name, ",
        ),
        ({"source_bucket": "fleet"}, "unknown deploy setting source_bucket; the nearest is source_buckets"),
        ({"clipferry": "x"}, "must be an object"),
        ({"clipferry": {"map_concurrency": "many"}}, "map_concurrency must be a whole number, not 'many'"),
        ({"clipferry": {"map_concurrency": 1.5}}, "map_concurrency must be a whole number, not 1.5"),
        ({"clipferry": {"map_concurrency": True}}, "map_concurrency must be a whole number, not True"),
        ({"map_concurrency": "0"}, "map_concurrency is 0: it must be from 1 to 1000"),
        ({"map_concurrency": "1001"}, "from 1 to 1000"),
        ({"clipferry": {"local": "yes"}}, "local must be true or false, not 'yes'"),
        ({"clipferry": {"source_buckets": [1]}}, "source_buckets must be a list of texts"),
        ({"clipferry": {"alarm_email": 5}}, "alarm_email must be text"),
        ({"alarm_email": "ops"}, "'ops' is not an e-mail address"),
        ({"hf_endpoint": "hub.example.com"}, "hf_endpoint: 'hub.example.com' is not an http(s):// URL"),
        ({"source_buckets": "s3://fleet"}, "'s3://fleet' is not an S3 bucket name"),
        ({"source_buckets": "fleet/*"}, "is not an S3 bucket name"),
        ({"source_buckets": "*"}, "is not an S3 bucket name"),
        ({"source_buckets": "fleet-x1y2-s3alias"}, "is an alias, to which no role can be granted access: use the ARN"),
        ({"delete_source_buckets": "fleet"}, "delete_source_buckets: 'fleet' is not one of source_buckets"),
        ({"requester_pays_buckets": "fleet"}, "requester_pays_buckets: 'fleet' is not one of source_buckets"),
        ({"source_buckets": "Fleet"}, "is not an S3 bucket name"),
        ({"source_buckets": "10.0.0.1"}, "is not an S3 bucket name"),
        ({"source_buckets": ",".join(f"fleet-{n:057d}" for n in range(40))}, "longer than 2000 characters"),
        ({"copy_roles": "arn:aws:iam::222222222222:role/fleet"}, "is not the ARN of a role clipferry-…"),
        ({"copy_roles": "arn:aws:iam::222222222222:role/a/clipferry-fleet"}, "(without a path or comma)"),
        ({"clipferry": {"copy_roles": [f"{COPY_ROLES[0]},b"]}}, "(without a path or comma)"),
        ({"copy_roles": "arn:aws:iam::222222222222:role/clipferry-*"}, "copy_roles: 'arn:aws:iam"),
        ({"copy_roles": "*"}, "copy_roles: '*'"),
        ({"copy_roles": ",".join(f"{COPY_ROLES[0]}-{n}" for n in range(60))}, "longer than 2000 characters"),
        ({"source_kms_key_arns": "alias/fleet"}, "'alias/fleet' is not the ARN of a KMS key"),
        ({"default_project": "No Project"}, "default_project"),
        ({"default_on_existing": "merge"}, "'merge': it must be one of skip, overwrite, fail"),
        ({"clipferry": {"default_on_existing": "SKIP"}}, "default_on_existing is 'SKIP'"),
        ({"default_content_validation": "full"}, "'full': it must be one of none, structure, deep"),
        ({"log_retention_days": "31"}, "CloudWatch accepts (1, 3, 5"),
        ({"state_retention_days": "7"}, "state_retention_days is 7: it must be from 31"),
        ({"stack_name": "Clip-ferry"}, "stack_name: 'Clip-ferry' must be 1 to 24 letters and digits"),
        ({"stack_name": "C" * 25}, "must be 1 to 24 letters and digits"),
        ({"drop_retention_days": "14"}, "drop_retention_days is 14: it must be 0 (keep uploads) or at least 15"),
        ({"drop_retention_days": "20", "import_timeout_hours": "720"}, "or at least 44"),
        ({"restore_buckets": "cold"}, "restore_buckets: 'cold' is not one of source_buckets"),
        ({"restore_wait_hours": "0"}, "restore_wait_hours is 0: it must be from 1"),
        (
            {"state_retention_days": "31", "import_timeout_hours": "720"},
            "state_retention_days is 31: it must be at least 63",
        ),
        ({"drop_imported_days": "89"}, "drop_imported_days is 89: it must be at most 88"),
        ({"drop_imported_days": "30", "state_retention_days": "31"}, "it must be at most 29"),
        ({"copy_reserved_concurrency": "-1"}, "copy_reserved_concurrency is -1: it must be from 0"),
        ({"copy_reserved_concurrency": "400"}, "it must be 0 or more than copy_slots (400)"),
        ({"kept_concurrency": "copy=5", "account_concurrency": "1000"}, "'copy=5' must be name=number"),
        (
            {"kept_concurrency": "api=5,api=6", "account_concurrency": "1000"},
            "'api=6' must be name=number, each name once",
        ),
        ({"kept_concurrency": "api", "account_concurrency": "1000"}, "'api' must be name=number"),
        ({"kept_concurrency": "on_upload=1", "account_concurrency": "1000"}, "on_upload needs 4"),
        ({"kept_concurrency": "api=5"}, "kept_concurrency needs account_concurrency"),
        (
            {"kept_concurrency": "api=500", "extrapolate_reserved_concurrency": "401", "account_concurrency": "1000"},
            "together are 901: an account_concurrency of 1000 can reserve at most 900",
        ),
        ({"copy_reserved_concurrency": "500", "account_concurrency": "10"}, "can reserve at most 0"),
        ({"audit_retention_days": "0"}, "audit_retention_days is 0: it must be from 1"),
        ({"max_body_bytes": "6000000"}, "max_body_bytes"),
        ({"preview_seconds": "29"}, "preview_seconds"),
        ({"multipart_threshold_bytes": str(6 * 1024**3)}, "multipart_threshold_bytes"),
    ],
)
def test_a_wrong_setting_is_refused_with_a_sentence_that_names_it(context: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidSettings) as caught:
        read(**context)
    assert sentence in caught.value.message


def test_the_longest_preview_answers_before_api_gateway_gives_up() -> None:
    (longest,) = (item.metadata["range"][1] for item in fields(DeploySettings) if item.name == "preview_seconds")
    assert longest + LAST_SECONDS < 29


def test_estimates_know_what_is_deployed() -> None:
    defaults = DeploySettings()
    for name, value in asdict(DEPLOYMENT).items():
        assert getattr(defaults, name) == value
    assert COPY_MB == COPY_GB * 1024


def test_a_kms_key_arn_is_accepted() -> None:
    assert read(source_kms_key_arns=KMS_KEY).source_kms_key_arns == (KMS_KEY,)


def test_every_setting_is_documented() -> None:
    source = (ROOT / "stacks" / "settings.py").read_text()
    for name in DeploySettings.__dataclass_fields__:
        declaration = source.index(f"\n    {name}: ")
        assert source[declaration:].split("\n", 3)[2].strip().startswith('"""'), f"{name} has no docstring"


def test_every_setting_stands_in_the_page_of_settings() -> None:
    documented = (ROOT / "docs" / "reference" / "settings.md").read_text()
    missing = [item.name for item in fields(DeploySettings) if f"`{item.name}`" not in documented]
    assert missing == []


@pytest.mark.parametrize(
    "origin", ["*", "tools.example.com", "https://a.b/c", "https://a.b/", "ftp://a.b", "https://*.a.b"]
)
def test_origins_are_exact(origin: str) -> None:
    with pytest.raises(InvalidSettings, match="cors_origins"):
        DeploySettings(cors_origins=(origin,))
