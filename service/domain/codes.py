"""Codes and messages of clips and imports that did not complete."""

from service.domain.clips import ClipStatus

CANCELLED = "CANCELLED"


MANIFEST_LOST = "MANIFEST_LOST"


CANCELLED_MESSAGE = "the job was cancelled before this clip was copied"


TOO_MANY_FAILURES = "TOO_MANY_FAILURES"


DUPLICATE = "DUPLICATE"


UNREADABLE = "INVALID_LINE"


DESTINATION_TAKEN = "DESTINATION_TAKEN"


TAKEN_MESSAGE = "an earlier clip of this job, from another source, has the same destination"


UNCHANGED = "UNCHANGED"


Fate = tuple[ClipStatus, str, str]
"""Status, code and message of a clip that is not copied."""


UNSUPPORTED_EXTENSION = "UNSUPPORTED_EXTENSION"


VIDEO_EXTENSION = ".mp4"
"""In any case; of the objects that are named one by one through the NomadicML door."""


NO_CLIPS = "NO_CLIPS"


PLANNING_FAILED = "PLANNING_FAILED"


RETRIES_EXHAUSTED = "RETRIES_EXHAUSTED"


CUT_SHORT = "CUT_SHORT"


CUT_SHORT_MESSAGE = "it was cancelled before its source was read to the end; what is left of that is not part of it"
