"""Content checks of clips by range reads: ClipGT zips and mp4 films. Pure: all reading goes through a `RangeReader`."""

from service.formats.check import Depth, check_clip
from service.formats.facts import ClipFacts
from service.formats.failures import ContentInvalid, Reason, UnknownFormat
from service.formats.reader import RangeReader

__all__ = ["ClipFacts", "ContentInvalid", "Depth", "RangeReader", "Reason", "UnknownFormat", "check_clip"]
