"""The stateful part: three buckets, one table, two secrets."""

from aws_cdk import CfnOutput, Duration, RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from stacks.nag import acknowledge
from stacks.settings import DeploySettings

UNFINISHED_UPLOAD_DAYS = 7
NONCURRENT_DAYS = 30
KEEP = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE


class Storage(Construct):
    """The stateful part. It outlives the stack: `cdk destroy` removes neither clips, history nor secrets.

    A first deployment that fails removes it again, since nothing is in it yet: only later it is worth keeping.
    """

    def __init__(self, scope: Construct, construct_id: str, deploy: DeploySettings) -> None:
        super().__init__(scope, construct_id)
        # Clips are written once under a stable key. A second version means that a changed source was imported again, or
        # that someone deleted a clip by mistake: it costs little and is then worth having.
        self.clips = self._bucket("Clips", versioned=True)
        # An import copies the version that was uploaded, even if the key is overwritten before its turn.
        self.drop = self._bucket("Drop", versioned=True, expire_days=deploy.drop_retention_days or None)
        # Manifests are written once and can be planned again: they need no versions.
        self.state = self._bucket("State", versioned=False, expire_days=deploy.state_retention_days)
        # The property itself: `event_bridge_enabled=True` would add a custom resource with its own function.
        drop = self.drop.node.default_child
        assert isinstance(drop, s3.CfnBucket)
        drop.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True)
        )
        self.table = self._table(deletion_protection=deploy.table_deletion_protection)
        self.admin_secret = self._secret(
            "AdminKey",
            "the admin API key, which creates, lists and revokes the keys of projects",
            "Rotated unasked, it would lock the administrators out.",
        )
        self.webhook_secret = self._secret(
            "WebhookKey",
            "the secret from which the projects' webhook secrets are derived",
            "Rotated unasked, every receiver would refuse its webhooks.",
        )

    def outputs(self) -> None:
        """Output the names that scripts and the local stack read."""
        for name, value in {
            "AdminSecretArn": self.admin_secret.secret_arn,
            "TableName": self.table.table_name,
            "ClipsBucketName": self.clips.bucket_name,
            "DropBucketName": self.drop.bucket_name,
            "StateBucketName": self.state.bucket_name,
        }.items():
            CfnOutput(self, name, value=value).override_logical_id(name)

    def _secret(self, construct_id: str, purpose: str, not_rotated: str) -> secretsmanager.Secret:
        secret = secretsmanager.Secret(
            self,
            construct_id,
            description=f"Clipferry: {purpose}",
            # 40 letters and digits: 238 bits.
            generate_secret_string=secretsmanager.SecretStringGenerator(password_length=40, exclude_punctuation=True),
            removal_policy=KEEP,
        )
        acknowledge(secret, {"AwsSolutions-SMG4": not_rotated})
        return secret

    def _bucket(self, construct_id: str, *, versioned: bool, expire_days: int | None = None) -> s3.Bucket:
        rules = [
            s3.LifecycleRule(
                id="unfinished-uploads", abort_incomplete_multipart_upload_after=Duration.days(UNFINISHED_UPLOAD_DAYS)
            )
        ]
        if versioned:
            rules.append(
                s3.LifecycleRule(
                    id="noncurrent-versions",
                    noncurrent_version_expiration=Duration.days(NONCURRENT_DAYS),
                    expired_object_delete_marker=True,
                )
            )
        if expire_days is not None:
            rules.append(s3.LifecycleRule(id="expire", expiration=Duration.days(expire_days)))
        bucket = s3.Bucket(
            self,
            construct_id,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            # S3's own keys: a KMS key would cost a request for every clip, cap the copy rate at the account's KMS
            # quota, and shut out the readers of other accounts that a bucket policy lets in.
            encryption=s3.BucketEncryption.S3_MANAGED,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            versioned=versioned,
            lifecycle_rules=rules,
            removal_policy=KEEP,
        )
        acknowledge(
            bucket,
            {
                "AwsSolutions-S1": "The table has a row with each clip's result. Access logs are best effort, with a "
                "line for each copy; use CloudTrail data events where reads must be audited."
            },
        )
        return bucket

    def _table(self, *, deletion_protection: bool) -> dynamodb.Table:
        def text(name: str) -> dynamodb.Attribute:
            return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)

        table = dynamodb.Table(
            self,
            "Table",
            partition_key=text("pk"),
            sort_key=text("sk"),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            # AWS's own key: encrypted at rest, without a KMS quota below the table's.
            encryption=dynamodb.TableEncryption.DEFAULT,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            time_to_live_attribute="expires_at",
            deletion_protection=deletion_protection,
            removal_policy=KEEP,
        )
        for index in ("listing", "attention", "clip", "url"):
            table.add_global_secondary_index(
                index_name=index,
                partition_key=text(f"{index}_pk"),
                sort_key=text(f"{index}_sk"),
                projection_type=dynamodb.ProjectionType.KEYS_ONLY,
            )
        return table
