"""Stands in for `ftx.model.exceptions`."""

from clipferry.flow_executions import FmanagerServerException

__all__ = ["FmanagerServerException"]
