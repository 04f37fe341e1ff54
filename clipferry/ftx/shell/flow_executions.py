"""Stands in for `ftx.shell.flow_executions`."""

from clipferry.flow_executions import get_by_id, launch_batch_import_clipgt_from_cloud_storage

__all__ = ["get_by_id", "launch_batch_import_clipgt_from_cloud_storage"]
