"""Logs, traces and metrics of all functions, by Powertools, which the environment configures (stacks/function.py)."""

from aws_lambda_powertools import Logger, Metrics, Tracer

logger = Logger()
tracer = Tracer(auto_patch=False)
metrics = Metrics()
