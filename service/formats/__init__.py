"""Check clips by range reads: ClipGT zips and mp4 films. Pure: all reading goes through a `RangeReader`."""
