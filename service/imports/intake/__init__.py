"""A request becomes a job: submit, retry, cancel, and uploads to the drop bucket."""
