"""What can go wrong with an object of an archive, told apart by what helps: asking again, or not."""

import re

from animl_kedro.datasets.s3_bucket import ADVICE
from animl_kedro.errors import InputError

HOPELESS = ("NoSuchBucket", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken")
"""Answers that every other object would get as well."""

PASSING_STATUSES = (408, 429)
"""Answers of the fours that another time may not get: too slow, too many."""

_STATUS = re.compile(r"Server returned non-2xx status code: (\d{3})")
_CODE = re.compile(r"<Code>(\w{1,60})</Code>")


class ObjectError(Exception):
    """An object that could not be had. Asking again does not help."""


class MissingKeyError(ObjectError, KeyError):
    """A key that the archive does not hold."""

    def __str__(self) -> str:
        return str(self.args[0])


class PassingError(ObjectError):
    """An object that could not be had this time: the server is busy, the connection broke, the bytes are not right."""


def object_error(bucket: str, key: str, status: int | None, code: str | None, cause: str) -> ObjectError:
    """The error for an answer: its HTTP status and S3's code for it, where there were such, and the cause in words.

    Raises InputError where every other object would get the same answer. What else the server says is not repeated:
    it may hold the credentials that it was sent.
    """
    answer = " ".join(filter(None, (str(status or ""), code))) or cause
    if code in HOPELESS:
        raise InputError(f"The archive s3://{bucket} cannot be read: {answer}. {ADVICE}")
    if status == 404:
        return MissingKeyError(f"s3://{bucket} has no key {key!r}")
    final = status is not None and status < 500 and status not in PASSING_STATUSES
    return (ObjectError if final else PassingError)(f"s3://{bucket}, key {key!r}: {answer}")


def error_of_text(bucket: str, key: str, text: str) -> ObjectError:
    """The error for what obstore raised, which tells status and code in its text alone."""
    summary, _, details = text.partition("\n\nDebug source")
    if "External AWS credential provider" in summary:
        raise InputError(f"The credentials for s3://{bucket} are not usable any more. {ADVICE}")
    if summary.endswith("incorrectly configured region"):
        return ObjectError(f"s3://{bucket} lies in another region: set its `region:` in the catalog")
    if status := _STATUS.search(summary):
        code = _CODE.search(summary, status.end())
        return object_error(bucket, key, int(status[1]), code[1] if code else None, "")
    cause = summary.rpartition("HTTP error: ")[2].partition("<")[0][:200]
    if "kind: Timeout" in details:
        cause = "the server did not answer in time"
    return object_error(bucket, key, None, None, cause)
