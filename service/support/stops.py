"""Exceptions that end work early."""


class OutOfTime(Exception):
    """The time of a call, or of a waiting caller, is over. Unfinished work stays for the next call."""


class Stopped(Exception):
    """The import must copy nothing more; `code` and `message` say why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
