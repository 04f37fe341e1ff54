"""Standing imports: make and change watches, start their runs, take the events of their buckets."""
