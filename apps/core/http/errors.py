"""What can go wrong at the outbound door, each kind with its job code and whether trying again can help."""

from __future__ import annotations

from typing import ClassVar

from apps.core import errors


class OutboundError(Exception):
    """Base of all; str() is a sentence that may be shown to the customer (it never tells an internal address)."""

    job_code: ClassVar[int] = errors.FETCH_FAILED
    retryable: bool = False
    unsent: bool = False
    """True when it is certain that the host never saw the request."""

    def as_job_error(self) -> errors.JobError:
        """The same as a job's failure."""
        return errors.JobError(self.job_code, str(self))


class BadUrl(OutboundError):
    """The address is malformed, or of a scheme, port or spelling that is not accepted."""

    unsent = True


class AddressRefused(OutboundError):
    """The host is, or resolves to, an address that this service may not call."""

    unsent = True


class FetchFailed(OutboundError):
    """Name resolution, connection, TLS or the conversation failed."""

    def __init__(self, message: str, *, retryable: bool = True, unsent: bool = False) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.unsent = unsent


class BadStatus(FetchFailed):
    """The host answered with a status other than success; status is the number."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message, retryable=status >= 500 or status in (408, 425, 429))
        self.status = status


class TooLarge(OutboundError):
    """The body is larger than the cap."""

    job_code = errors.LIMITS


class TimedOut(OutboundError):
    """The total time is up, or the host went silent or too slow."""

    retryable = True

    def __init__(self, message: str, *, unsent: bool = False) -> None:
        super().__init__(message)
        self.unsent = unsent


class Stopped(OutboundError):
    """The caller asked to stop."""

    job_code = errors.CANCELED
