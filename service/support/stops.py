"""Exceptions that end work early."""


class OutOfTime(Exception):
    """The time of a call, or of a waiting caller, is over. The next call continues the work."""


class Stopped(Exception):
    """The import must copy nothing more; `code` and `message` give the reason."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
