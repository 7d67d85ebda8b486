"""Two constructs in one stack, which must not overlap."""

import pytest
from aws_cdk import Stack
from aws_cdk import aws_s3 as s3

from infra.settings.settings import Settings
from infra.settings.value_rules import SettingError
from tests.infra.embedding_stack import Make

UP, OUT, UP2, OUT2 = "photos", "results", "more-photos", "more-results"
REFUSED = [
    # first: uploads, results; second: uploads, results; the message
    (
        (UP, "a/", OUT, "a/"),
        (UP, "a/b/", OUT, "b/"),
        "a photo in both would be paid for twice",
    ),
    ((UP, "a/", OUT, "x/"), (UP, "b/", OUT, "x/y/"), "one's could overwrite the other's"),
    ((UP, "a/", OUT, ""), (UP, "b/", OUT, "b/"), "one's could overwrite the other's"),
    ((UP, "a/", OUT, "a/"), (OUT, "a/", OUT2, ""), "every cut-out would be cut out again"),
    (
        (UP, "a/", OUT, "a/"),
        (UP2, "a/", UP, "a/"),
        "every cut-out would be cut out again",
    ),
    (
        (UP, "a/", OUT, "a/"),
        (OUT, "review/", OUT2, ""),
        "every cut-out would be cut out again",
    ),
]


@pytest.mark.parametrize(("first", "second", "said"), REFUSED)
def test_overlapping_constructs_are_refused(
    stack: Stack,
    make: Make,
    first: tuple[str, ...],
    second: tuple[str, ...],
    said: str,
) -> None:
    """Photos watched by both, results over results, and results as photos are refused at synth."""

    def put(construct_id: str, uploads: str, prefix: str, results: str, result_prefix: str) -> None:
        buckets = [
            s3.Bucket.from_bucket_name(stack, f"{construct_id}{end}", name)
            for end, name in (("In", uploads), ("Out", results))
        ]
        make(
            construct_id,
            name=construct_id,
            settings=Settings(upload_prefix=prefix, result_prefix=result_prefix),
            uploads_bucket=buckets[0],
            results_bucket=buckets[1],
        )

    put("First", *first)
    with pytest.raises(SettingError, match=said):
        put("Second", *second)


def test_two_constructs_of_one_name_are_refused(make: Make) -> None:
    """Their secrets would have the same names."""
    make("First")
    with pytest.raises(SettingError, match="both named 'Elsewhere'"):
        make("Second")


def test_bucket_of_the_same_stack_is_recognised_without_its_name(stack: Stack, make: Make) -> None:
    """A bucket whose name is not known before it is made is still the same bucket."""
    ours = s3.Bucket(stack, "Ours")
    make("First", name="First", settings=Settings(upload_prefix="a/"), uploads_bucket=ours)
    with pytest.raises(SettingError, match="paid for twice"):
        make("Second", name="Second", settings=Settings(upload_prefix="a/b"), uploads_bucket=ours)
