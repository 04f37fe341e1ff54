"""The ports of objects and files on S3."""
