"""What the provider says, as it may be kept."""

from __future__ import annotations

from cutout.domain.provider_outcomes import words


def test_a_providers_words_are_kept_without_links() -> None:
    """They quote the photo's URL, and that URL is enough to read the photo."""
    quoted = "timed out fetching https://b.s3.amazonaws.com/a.jpg?X-Amz-Signature=1f now"
    assert words(quoted) == "timed out fetching [link] now"
    assert words("x" * 600) == "x" * 500
    assert words(None) is None
