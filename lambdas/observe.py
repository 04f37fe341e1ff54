"""Logs and metrics of all functions. stacks/function.py configures Powertools by the environment."""

from aws_lambda_powertools import Logger, Metrics

logger = Logger()
metrics = Metrics()
