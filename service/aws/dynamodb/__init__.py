"""The ports of jobs, clips, uploads and projects on one DynamoDB table."""
