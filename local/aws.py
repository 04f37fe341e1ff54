"""boto3 clients for the emulator."""

from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from local.config import CREDENTIALS, REGION

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_stepfunctions import SFNClient

CONFIG = Config(
    retries={"mode": "standard", "max_attempts": 4}, max_pool_connections=32, s3={"addressing_style": "path"}
)


def session() -> boto3.Session:
    return boto3.Session(
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        region_name=REGION,
    )


def s3(endpoint: str) -> "S3Client":
    return session().client("s3", endpoint_url=endpoint, config=CONFIG)


def secrets(endpoint: str) -> "SecretsManagerClient":
    return session().client("secretsmanager", endpoint_url=endpoint, config=CONFIG)


def stepfunctions(endpoint: str) -> "SFNClient":
    return session().client("stepfunctions", endpoint_url=endpoint, config=CONFIG)
