"""Stands in for `ftx.shell.client`."""

from clipferry.flow_executions import login

__all__ = ["login"]
