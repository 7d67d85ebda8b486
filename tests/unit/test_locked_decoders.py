"""`make check` checks the decoders that functions ship."""

from tests.infra.decoders import Decoder, decoders, faults, locked


def test_shipped_decoders_are_new_enough_and_maintained() -> None:
    """Of each decoder, the version in the assets is checked."""
    assert list(faults(decoders(), locked())) == []
    assert set(locked()) == {"pillow", "pillow-heif"}
    assert {one.name for one in decoders()} == {"Pillow", "libheif", "libavif", "libwebp"}


def test_an_old_decoder_is_reported() -> None:
    """The number counts, not how it is written."""
    old = Decoder("libheif", "1.9.10", "1.23.6", "out-of-bounds writes")
    new = Decoder("libheif", "1.23.10", "1.23.6", "out-of-bounds writes")
    assert list(faults(iter([old, new]), {})) == [
        "libheif 1.9.10 is older than 1.23.6: out-of-bounds writes"
    ]


def test_an_unmaintained_package_is_reported() -> None:
    """By name, where the package itself does not say so."""
    (told,) = faults(iter(()), {"pi-heif": "1.4.0"})
    assert told.startswith("pi-heif is discontinued")
