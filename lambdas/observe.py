"""Logs and metrics of all functions, by Powertools, which the environment configures (stacks/function.py)."""

from aws_lambda_powertools import Logger, Metrics

logger = Logger()
metrics = Metrics()
