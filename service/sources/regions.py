"""The region of integrations that name none."""

import botocore.session

ANY_REGION = "us-east-1"
"""Global region of the partition `aws`: its answer names the bucket's own region, and botocore follows."""


def default_region() -> str:
    """Return `ANY_REGION`. In another partition, which shares no keys with `aws`, return this process's own region."""
    session = botocore.session.get_session()
    own: str | None = session.get_config_variable("region")
    return own if own and session.get_partition_for_region(own) != "aws" else ANY_REGION
