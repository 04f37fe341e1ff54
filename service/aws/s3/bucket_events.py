"""Whether a bucket sends its events to EventBridge."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from service.aws.faults import is_busy

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

HOW_TO_SWITCH_ON = (
    "switch it on in the S3 console (bucket > Properties > Event notifications > Amazon EventBridge), or add an empty "
    '"EventBridgeConfiguration" to the bucket\'s notification configuration (PutBucketNotificationConfiguration)'
)


@dataclass(frozen=True)
class S3BucketEvents:
    client: "S3Client"
    account: str
    """The deployment's own account: S3 sends a bucket's events to EventBridge in its owner's account."""

    def problem(self, bucket: str) -> str | None:
        region = self.client.meta.region_name
        try:
            found = self.client.head_bucket(Bucket=bucket, ExpectedBucketOwner=self.account)
            if found.get("BucketRegion", region) != region:
                return f"{bucket} sends its events to {found['BucketRegion']}, and this deployment is in {region}"
            sent = self.client.get_bucket_notification_configuration(Bucket=bucket, ExpectedBucketOwner=self.account)
        except ClientError as error:
            if is_busy(error):
                raise
            return f"cannot look at the notifications of {bucket} in this account and region: {error}"
        if sent.get("EventBridgeConfiguration") is None:
            return f"{bucket} does not send its events to EventBridge: {HOW_TO_SWITCH_ON}"
        return None
