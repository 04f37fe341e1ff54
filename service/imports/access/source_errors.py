"""Errors of stores, as the answers to a request name them."""

from collections.abc import Iterator
from contextlib import contextmanager

from service.domain.errors import (
    SOURCE_UNFIT,
    AccessDenied,
    CannotAccess,
    ObjectError,
    ObjectMissing,
    PreflightUnknown,
    SourceUnavailable,
)


@contextmanager
def source_errors() -> Iterator[None]:
    """Translate errors of listing or reading a source to those of a pre-flight.

    `SourceUnavailable` (a later try may succeed) stays, and so do those of `SOURCE_UNFIT` (their codes say what to do).
    """
    try:
        yield
    except (*SOURCE_UNFIT, SourceUnavailable):
        raise
    except (AccessDenied, ObjectMissing) as error:
        raise CannotAccess(error.message) from error
    except ObjectError as error:
        raise PreflightUnknown(error.message) from error
