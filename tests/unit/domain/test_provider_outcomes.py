"""The provider's messages, as they are stored."""

from __future__ import annotations

from cutout.domain.provider_outcomes import words


def test_a_providers_message_is_stored_without_links() -> None:
    """It may quote the photo's URL, which grants access to the photo."""
    quoted = "timed out fetching https://b.s3.amazonaws.com/a.jpg?X-Amz-Signature=1f now"
    assert words(quoted) == "timed out fetching [link] now"
    assert words("x" * 600) == "x" * 500
    assert words(None) is None
