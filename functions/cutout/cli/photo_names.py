"""How options name photos: by key, by an s3:// URL, by the id of a job."""

import re
from difflib import get_close_matches

from cutout.cli.aws.deployed_stack import Stack
from cutout.cli.output.problems import Problem, explained
from cutout.domain.job.job import Job

_JOB_ID = re.compile(r"[0-9a-f]{32}")


class UnknownNameError(Problem):
    """A text names no job of the stack."""


def key_of(text: str, uploads_bucket: str) -> str:
    """Return the key that a text names.

    Raises:
        UnknownNameError: It is the URL of another bucket.
    """
    if not text.startswith("s3://"):
        return text
    bucket, _, key = text.removeprefix("s3://").partition("/")
    if bucket != uploads_bucket:
        raise UnknownNameError(
            f"{bucket} is not the uploads bucket of this stack.",
            advice=f"The uploads bucket is {uploads_bucket}; "
            "name another stack with `--stack NAME`.",
        )
    return key


def job_named(stack: Stack, text: str) -> Job:
    """Return the job with this id, or the job of the newest upload of this key.

    Raises:
        UnknownNameError: There is no such job.
    """
    job = stack.jobs.find(text) if _JOB_ID.fullmatch(text) else None
    return job or newest_job(stack, key_of(text, stack.outputs.uploads_bucket))


def newest_job(stack: Stack, key: str) -> Job:
    """Return the job of the newest upload of a key.

    Raises:
        UnknownNameError: There is no such job.
    """
    job = stack.newest(key)
    if job is None:
        raise UnknownNameError(
            f"There is no job of {key} on {stack.where}.",
            advice=f"{nearest_key(stack, key)}`cutout ls` lists the jobs; "
            "`cutout put` uploads photos.",
        )
    return job


def nearest_key(stack: Stack, key: str) -> str:
    """Return a hint at the nearest of the keys beside this one, as far as one page lists them."""
    listing = stack.ports.objects(stack.outputs.uploads_bucket)
    folder = key[: key.rfind("/") + 1]
    try:
        # One page of each is enough for a hint.
        with explained():
            beside = next(listing.pages(folder), []) or next(listing.pages(""), [])
    except Problem:  # Without the permission to list, there is no hint.
        return ""
    keys = [one.key for one in beside]
    # It is there, so its name is not the mistake.
    if key in keys:
        return "It is in the uploads bucket; `cutout audit` finds uploads without a job. "
    return "".join(f"Did you mean {near}? " for near in get_close_matches(key, keys, n=1))
