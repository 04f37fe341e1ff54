"""Checks of what is deployed around the imports: functions, alarms, roles, keys."""

import io
import re
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

import httpx
from botocore.exceptions import ClientError

from clipferry import Clipferry
from smoke.checks import Skipped, check, denied, expect
from smoke.deployment import Deployment
from smoke.subscriber import Subscriber

LOCK = Path(__file__).resolve().parent.parent / "requirements.txt"
ROLES = "Compare the role's policies with the template: someone widened them."
DELIVERY_SECONDS = 60.0
"""SNS delivers to a queue within a second or so; a new subscription may need some."""
API = "Read the log of the function api."


@dataclass
class AccountChecks:
    """Need no import. The first ones tell whether others can work."""

    deployment: Deployment
    admin: Clipferry

    @check("stack is deployed", "Read the stack's events in CloudFormation.")
    def deployed(self) -> str:
        status = self.deployment.description["StackStatus"]
        expect(status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), f"the stack is {status}")
        return f"{status}, {len(self.deployment.functions)} functions"

    @check("one runtime", "Deploy again: a function was changed by hand.")
    def runtime(self) -> str:
        found = {str(one["Runtime"]) for one in self.deployment.functions.values()}
        expect(len(found) == 1, f"the functions run on {', '.join(sorted(found))}")
        return found.pop()

    @check("the tested SDK is bundled", "Deploy again from a clean checkout of the version that you tested.")
    def sdk(self) -> str:
        if self.deployment.endpoint_url:
            raise Skipped("an emulator does not hand out the functions' code")
        name = self.deployment.functions["api"]["FunctionName"]
        code = self.deployment.client("lambda").get_function(FunctionName=name)["Code"]["Location"]
        bundled = bundled_sdk(httpx.get(code, timeout=60).content)
        [pinned] = re.findall(r"^botocore==([\d.]+)", LOCK.read_text(), re.MULTILINE)
        expect(bundled == pinned, f"the bundle has botocore {bundled or 'none'}, tested is {pinned}")
        return f"botocore {pinned}"

    @check("admin key works, cold start", "Read the log of the function authorize; see 'Cold starts'.")
    def cold(self) -> str:
        seconds = []
        for _ in range(6):
            begun = time.perf_counter()
            self.admin.keys.current()
            seconds.append(time.perf_counter() - begun)
        return f"first answer {seconds[0]:.2f} s, later {min(seconds[1:]):.3f} s"

    @check("no key, no answer", "Deploy again: a route lost its authorizer.")
    def no_key(self) -> str:
        url, direct = f"{self.deployment.base_url}/v1/imports", self.deployment.endpoint_url is None
        answers = [
            httpx.get(url, headers=key, timeout=30, trust_env=direct).status_code for key in ({}, {"X-API-Key": "x"})
        ]
        expect(set(answers) <= {401, 403}, f"without a key and with a wrong one the answers were {answers}")
        return f"statuses {answers}"

    @check("admin key sees no imports", API)
    def no_imports(self) -> str:
        return denied(lambda: list(self.admin.imports.list()), "FORBIDDEN")

    @check(
        "alarm test message",
        "Allow yourself what docs/operations.md lists of SNS and SQS; compare the topic's policy with the template.",
    )
    def alarm(self) -> str:
        (topic,) = self.deployment.resources["AWS::SNS::Topic"]
        sns = self.deployment.client("sns")
        message = "This message shows that Clipferry's alarms reach you. Nothing is wrong."
        listed = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
        with Subscriber(self.deployment, topic) as subscriber:
            sent = sns.publish(TopicArn=topic, Subject="Clipferry: test of the alarms", Message=message)
            came = subscriber.received(sent["MessageId"], DELIVERY_SECONDS)
        expect(came, f"the topic delivered nothing to a new subscription within {DELIVERY_SECONDS:.0f} s")
        waiting = sum(one["SubscriptionArn"] == "PendingConfirmation" for one in listed)
        told = f"it reached a test's subscription and {len(listed) - waiting} of yours"
        told += f"; {waiting} wait for confirmation: follow the link in the email" if waiting else ""
        return told if listed else f"{told}: set alarm_email"

    @check("plan may not write clips", ROLES)
    def plan_writes(self) -> str:
        return self._simulated("plan", "s3:PutObject", self._clips)

    @check("the API may not write clips", ROLES)
    def api_writes(self) -> str:
        return self._simulated("api", "s3:PutObject", self._clips)

    @check("copy may not delete the table", ROLES)
    def copy_deletes(self) -> str:
        table = (
            f"dynamodb:{self.deployment.s3.meta.region_name}:{{account}}:table/{self.deployment.outputs['TableName']}"
        )
        return self._simulated("copy", "dynamodb:DeleteTable", table)

    @property
    def _clips(self) -> str:
        return f"s3:::{self.deployment.outputs['ClipsBucketName']}/*"

    def _simulated(self, handler: str, action: str, resource: str) -> str:
        """`resource` is an ARN from its service on; `{account}` stands for the account."""
        role = str(self.deployment.functions[handler]["Role"])
        _, partition, _, _, account, _ = role.split(":", 5)
        arn = f"arn:{partition}:{resource.format(account=account)}"
        try:
            answer = self.deployment.client("iam").simulate_principal_policy(
                PolicySourceArn=role, ActionNames=[action], ResourceArns=[arn]
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException"):
                raise Skipped("needs iam:SimulatePrincipalPolicy") from error
            raise
        decision = str(answer["EvaluationResults"][0]["EvalDecision"])
        expect(decision != "allowed", f"{role} may {action} on {arn}")
        return decision


def bundled_sdk(code: bytes) -> str | None:
    """Return the version of botocore in a function's zip; None without botocore. Bundles have no package metadata."""
    with zipfile.ZipFile(io.BytesIO(code)) as files:
        try:
            source = files.read("botocore/__init__.py").decode()
        except KeyError:
            return None
    found = re.search(r"^__version__ = ['\"]([\d.]+)['\"]", source, re.MULTILINE)
    return found[1] if found else None
