"""Refuses loops and overlaps at synth, within one Cutout and among all in the app."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

from aws_cdk import Stack, Token
from aws_cdk import aws_s3 as s3

from cutout.domain.object_keys import REVIEW_FOLDER

from ..settings.settings import Settings
from ..settings.value_rules import SettingError


@dataclass(frozen=True, kw_only=True)
class KeyPrefix:
    """Every key of a bucket that begins with a prefix."""

    bucket: str
    prefix: str

    def overlaps(self, other: "KeyPrefix") -> bool:
        """Return whether a key could be in both."""
        return self.bucket == other.bucket and (
            self.prefix.startswith(other.prefix) or other.prefix.startswith(self.prefix)
        )


@dataclass(frozen=True, kw_only=True)
class BucketUse:
    """What one deployment, whose construct is at `path` in the app, watches and writes."""

    name: str
    path: str
    watched: KeyPrefix
    written: tuple[KeyPrefix, KeyPrefix]

    @classmethod
    def of(
        cls,
        settings: Settings,
        *,
        name: str,
        path: str,
        uploads: s3.IBucket,
        results: s3.IBucket,
    ) -> "BucketUse":
        """Return what a deployment with these settings watches and writes in these buckets."""
        written, read = _identity(results), _identity(uploads)
        prefix = settings.result_prefix
        return cls(
            name=name,
            path=path,
            watched=KeyPrefix(bucket=read, prefix=settings.upload_prefix),
            written=(
                KeyPrefix(bucket=written, prefix=prefix),
                # Results that wait for review are not under the result prefix.
                KeyPrefix(bucket=written, prefix=REVIEW_FOLDER + prefix),
            ),
        )


def refuse_overlaps(own: BucketUse, others: Iterable[BucketUse]) -> None:
    """Refuse a deployment, with SettingError, that would take results for photos."""
    _refuse_own_circle(own)
    for other in others:
        if own.name == other.name:
            raise SettingError(
                f"{own.path} and {other.path} are both named {own.name!r}, and secrets and metrics "
                "get their names from it: pass each a name of its own"
            )
        if own.watched.overlaps(other.watched):
            raise SettingError(
                f"{own.path} watches {own.watched.prefix!r} and {other.path} watches "
                f"{other.watched.prefix!r} of one bucket: a photo in both would be paid for twice; "
                "give them upload prefixes that do not contain each other"
            )
        for mine, theirs in product(own.written, other.written):
            if mine.overlaps(theirs):
                raise SettingError(
                    f"{own.path} writes results under {mine.prefix!r} and {other.path} under "
                    f"{theirs.prefix!r} of one bucket, where one's could overwrite the other's: "
                    "give them result prefixes that do not contain each other"
                )
        _refuse_results_among_photos(own, other)
        _refuse_results_among_photos(other, own)


def _refuse_own_circle(own: BucketUse) -> None:
    results, _ = own.written
    # Submit ignores everything in the review folder, of any deployment.
    for place in (results, KeyPrefix(bucket=results.bucket, prefix=REVIEW_FOLDER)):
        if place.overlaps(own.watched):
            raise SettingError(
                f"uploads and results share a bucket, and what is written under {place.prefix!r} "
                f"would be taken for photos under {own.watched.prefix!r}: give upload_prefix and "
                "result_prefix two places that do not contain each other, such as photos/ and "
                "cut-outs/"
            )


def _refuse_results_among_photos(writer: BucketUse, watcher: BucketUse) -> None:
    for place in writer.written:
        if place.overlaps(watcher.watched):
            raise SettingError(
                f"{writer.path} writes results under {place.prefix!r} where {watcher.path} watches "
                f"for photos under {watcher.watched.prefix!r}: every cut-out would be cut out "
                "again; give them prefixes that do not contain each other"
            )


def _identity(bucket: s3.IBucket) -> str:
    """Return a text that is the same for two handles on the same bucket."""
    name = bucket.bucket_name
    if not Token.is_unresolved(name):
        return name
    # The name is known at deployment only: what refers to it is compared instead.
    stack = Stack.of(bucket)
    return f"{stack.node.path} {json.dumps(stack.resolve(name), sort_keys=True)}"
