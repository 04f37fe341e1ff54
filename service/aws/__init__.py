"""The ports on AWS: DynamoDB through pynamodb, everything else through botocore."""
