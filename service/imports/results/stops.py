"""Signals that stop work on a clip before it has a result."""


class OutOfTime(Exception):
    """The call's time is over; what is begun stays for the next one."""


class Stopped(Exception):
    """The import is to copy nothing more: `code` and `message` say why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
