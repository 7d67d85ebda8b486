"""The decoders that functions ship are looked at by `make check`."""

from tests.infra.decoders import Decoder, decoders, faults, locked


def test_the_decoders_that_are_shipped_are_new_enough_and_maintained() -> None:
    """Of each, what the assets hold is what is looked at."""
    assert list(faults(decoders(), locked())) == []
    assert set(locked()) == {"pillow", "pillow-heif"}
    assert {one.name for one in decoders()} == {"Pillow", "libheif", "libavif", "libwebp"}


def test_an_old_decoder_is_told_with_what_is_wrong_about_it() -> None:
    """The number counts, not how it is written."""
    old = Decoder("libheif", "1.9.10", "1.23.6", "out-of-bounds writes")
    new = Decoder("libheif", "1.23.10", "1.23.6", "out-of-bounds writes")
    assert list(faults(iter([old, new]), {})) == [
        "libheif 1.9.10 is older than 1.23.6: out-of-bounds writes"
    ]


def test_a_package_that_nobody_maintains_is_told() -> None:
    """By name, where the package itself does not say so."""
    (told,) = faults(iter(()), {"pi-heif": "1.4.0"})
    assert told.startswith("pi-heif is discontinued")
