"""How far a reader goes to follow one upload through the core."""

from tests.benchmarks.walk import walk


def test_few_files_are_opened_and_opened_again() -> None:
    """The layout before this one had 43 files, and 125 returns to a file that was open before."""
    walked = walk()
    assert len(walked.files) <= 25
    assert walked.returns <= 62
