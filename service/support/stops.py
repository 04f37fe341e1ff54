"""Exceptions that end work early."""

from service.domain.fates import Fate


class OutOfTime(Exception):
    """The time of a call, or of a waiting caller, is over. The next call continues the work."""


class Stopped(Exception):
    """The import must copy nothing more; clips that are not copied yet get this fate."""

    def __init__(self, fate: Fate) -> None:
        super().__init__(fate.message)
        self.fate = fate
