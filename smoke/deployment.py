"""The deployed stack, as CloudFormation describes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config

from smoke.checks import expect

CLIENT = Config(retries={"mode": "standard", "max_attempts": 5}, signature_version="s3v4")


@dataclass
class Deployment:
    """Reads with the caller's own credentials. `endpoint_url` is None on AWS, and an emulator's address elsewhere."""

    stack: str
    endpoint_url: str | None = None

    def client(self, service: str, region: str | None = None) -> Any:
        """A client of boto3's, whose types name every service; these are many."""
        make: Any = boto3.client
        return make(service, region_name=region, endpoint_url=self.endpoint_url, config=CLIENT)

    @cached_property
    def s3(self) -> Any:
        return self.client("s3")

    @cached_property
    def description(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.client("cloudformation").describe_stacks(StackName=self.stack)["Stacks"][0]
        return found

    @cached_property
    def outputs(self) -> Mapping[str, str]:
        return {one["OutputKey"]: one["OutputValue"] for one in self.description.get("Outputs", [])}

    @cached_property
    def resources(self) -> Mapping[str, list[str]]:
        """Physical ids by type."""
        pages = self.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=self.stack)
        found: dict[str, list[str]] = {}
        for one in (one for page in pages for one in page["StackResourceSummaries"]):
            found.setdefault(one["ResourceType"], []).append(one.get("PhysicalResourceId", ""))
        return found

    @cached_property
    def functions(self) -> Mapping[str, Mapping[str, Any]]:
        """Configurations of the service's functions by handler: `api`, `copy`, …"""
        lambda_ = self.client("lambda")
        every = [
            lambda_.get_function_configuration(FunctionName=name) for name in self.resources["AWS::Lambda::Function"]
        ]
        ours = {one["Handler"].split(".")[1]: one for one in every if one["Handler"].startswith("lambdas.")}
        expect("api" in ours, f"the stack {self.stack} has no function that answers the API")
        return ours

    @property
    def base_url(self) -> str:
        if self.endpoint_url is None:
            return self.outputs["BaseUrl"]
        return f"{self.endpoint_url}/_aws/execute-api/{self.outputs['ApiId']}/{self.outputs['StageName']}"

    @cached_property
    def source_buckets(self) -> list[str]:
        """Those of the deploy settings, without the drop bucket."""
        named = self.functions["api"]["Environment"]["Variables"]["CLIPFERRY_SOURCE_BUCKETS"].split(",")
        return [bucket for bucket in named if bucket and bucket != self.outputs["DropBucketName"]]

    def admin_key(self) -> str:
        secret = self.client("secretsmanager").get_secret_value(SecretId=self.outputs["AdminSecretArn"])
        return str(secret["SecretString"])
