"""Decoding in a process of its own: a harmful file affects its own photo only."""

from __future__ import annotations

import io
import json
import os
import select
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from cutout.adapters.pillow.sandbox.decoder_process import DecoderLimits, DecoderProcess
from cutout.domain.errors import NotAPhotoError
from cutout.domain.reasons import Reason
from cutout.ports.pictures import Copy, PhotoHeader
from tests.contract.pillow.test_copier import heic

LIMITS = DecoderLimits(memory_mb=2758, seconds=120, file_mb=512)
TIFF = Image.effect_noise((60, 40), 200).convert("RGB")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The file of the downloaded photo."""
    return tmp_path / "photo"


def why_not(run: Callable[[], object]) -> NotAPhotoError:
    """Return why a photo is refused."""
    with pytest.raises(NotAPhotoError) as caught:
        run()
    return caught.value


def bytes_of(image: Image.Image, format_: str, **options: object) -> bytes:
    """The file of a picture."""
    made = io.BytesIO()
    image.save(made, format_, **options)
    return made.getvalue()


def taken_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: str) -> DecoderProcess:
    """Have the decoder run this code, as if a file made it do so."""
    module = tmp_path / "modules" / "decoder_taken_over.py"
    module.parent.mkdir()
    module.write_text(textwrap.dedent(code))
    monkeypatch.syspath_prepend(str(module.parent))
    return DecoderProcess(LIMITS, module="decoder_taken_over")


@pytest.mark.parametrize("kind", ["tiff", "heic", "jpeg, cmyk", "avif"])
def test_photo_is_read_and_copied(kind: str, file: Path) -> None:
    """As without a process of its own: size, format, both copies."""
    make: dict[str, Callable[[], bytes]] = {
        "heic": lambda: heic(TIFF),
        "tiff": lambda: bytes_of(TIFF, "TIFF"),
        "jpeg, cmyk": lambda: bytes_of(TIFF.convert("CMYK"), "JPEG"),
        "avif": lambda: bytes_of(TIFF, "AVIF"),
    }
    file.write_bytes(make[kind]())
    decoder = DecoderProcess(LIMITS)
    format_ = kind.partition(",")[0]
    assert decoder.look(file) == PhotoHeader(format=format_, width=60, height=40, orientation=1)
    copy = decoder.copy(file, file.with_name("copy"), (360, 240), 10_000_000)
    assert copy == Copy(format="jpeg", width=360, height=240)
    whole = decoder.upright(file, file.with_name("upright"))
    assert whole == Copy(format="png", width=60, height=40)


def test_damaged_photo_has_the_decoders_reason(file: Path) -> None:
    """The decoder's own words come through."""
    file.write_bytes(bytes_of(TIFF, "TIFF")[:-2000])
    refused = why_not(lambda: DecoderProcess(LIMITS).upright(file, file.with_name("upright")))
    assert refused.reason is Reason.DAMAGED_PHOTO
    assert str(refused).startswith("the file cannot be decoded")


def test_picture_that_takes_too_much_memory_is_given_up(file: Path) -> None:
    """A hundred megapixels of one colour, in a process that may have 250 MB."""
    file.write_bytes(bytes_of(Image.new("RGB", (10_000, 10_000), "teal"), "PNG", compress_level=1))
    decoder = DecoderProcess(DecoderLimits(memory_mb=250, seconds=20, file_mb=512))
    refused = why_not(lambda: decoder.copy(file, file.with_name("copy"), (5000, 5000), 10**7))
    assert refused.reason is Reason.CANNOT_BE_PREPARED
    assert str(refused) == "it takes more than 250 MB of memory"


def test_picture_that_takes_too_long_is_given_up(file: Path) -> None:
    """A small file of very many pixels: all of them are decoded and encoded again."""
    Image.new("L", (14_000, 14_000), 90).save(file, "PNG", compress_level=1)
    decoder = DecoderProcess(DecoderLimits(memory_mb=2758, seconds=1, file_mb=512))
    refused = why_not(lambda: decoder.upright(file, file.with_name("upright")))
    assert refused.reason is Reason.CANNOT_BE_PREPARED
    assert str(refused).startswith("it took longer than 1 s")


def test_copy_that_would_fill_the_disk_is_given_up(file: Path) -> None:
    """Noise cannot be compressed."""
    file.write_bytes(bytes_of(Image.effect_noise((1500, 1500), 200), "TIFF"))
    decoder = DecoderProcess(DecoderLimits(memory_mb=2758, seconds=20, file_mb=1))
    refused = why_not(lambda: decoder.upright(file, file.with_name("upright")))
    assert refused.reason is Reason.CANNOT_BE_PREPARED
    assert str(refused) == "a copy of it has more than 1 MB"


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)", "the decoder ended: signal 11"),
        ("import os\nos.abort()", "the decoder ended: signal 6"),
        ("raise SystemExit(3)", "the decoder ended: exit status 3"),
        ("1 / 0", "the decoder ended: exit status 1"),
        ("print('no JSON')", "the decoder gave no answer"),
        ("print('[' * 100000)", "the decoder gave no answer"),
        ("print('{' + ' ' * 10**6 + '}')", "the decoder gave no answer"),
        ("print('[]')", "the decoder gave no answer"),
        ("print('{}')", "the decoder gave no answer"),
        ("""print('{"seen": 5}')""", "the decoder gave no answer"),
        (
            """print('{"seen": {"format": [], "width": 1, "height": 1, "orientation": 1}}')""",
            "the decoder gave no answer",
        ),
        (
            """print('{"seen": {"format": "png", "width": 0, "height": 1, "orientation": 1}}')""",
            "the decoder gave no answer",
        ),
        (
            """print('{"seen": {"format": "../x", "width": 1, "height": 1, "orientation": 1}}')""",
            "the decoder gave no answer",
        ),
        ("""print('{"reason": {}, "message": "so"}')""", "so"),
        ("""print('{"reason": "gate-paused", "message": "so"}')""", "so"),
        ("""print('{"reason": "skipped-by-uploader", "message": "so"}')""", "so"),
    ],
)
def test_decoder_that_ends_or_answers_nonsense_fails_only_the_photo(
    monkeypatch: pytest.MonkeyPatch, file: Path, code: str, why: str
) -> None:
    """The function goes on, and the reason is the true one."""
    file.write_bytes(b"")
    decoder = taken_over(monkeypatch, file.parent, code)
    refused = why_not(lambda: decoder.look(file))
    assert refused.reason is Reason.CANNOT_BE_PREPARED
    assert str(refused).startswith(why)


def test_decoder_that_hangs_is_killed_with_its_child_processes(
    monkeypatch: pytest.MonkeyPatch, file: Path
) -> None:
    """Nothing goes on running."""
    file.write_bytes(b"")
    started = file.with_name("started")
    code = f"""
        import pathlib, subprocess, time
        child = subprocess.Popen(["sleep", "1000"])
        pathlib.Path({str(started)!r}).write_text(str(child.pid))
        time.sleep(1000)
    """
    decoder = taken_over(monkeypatch, file.parent, code)
    # On a busy machine, it may not have started anything within a second.
    for seconds in (1, 2, 4, 8, 16, 32):
        decoder.limits = DecoderLimits(memory_mb=2758, seconds=seconds, file_mb=512)
        assert str(why_not(lambda: decoder.look(file))) == f"it took longer than {seconds} s"
        if started.exists():
            break
    assert _has_ended(int(started.read_text()))


def _has_ended(pid: int) -> bool:
    """Return whether a process has ended; a killed one ends when the kernel gives it time."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    with os.fdopen(process) as ends:
        return bool(select.select([ends], [], [], 10)[0])


def test_pipe_in_place_of_an_answer_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, file: Path
) -> None:
    """Nothing that a decoder leaves in the folder is read as its answer, or written to."""
    file.write_bytes(b"")
    code = """
        import os, pathlib
        for name in os.listdir():
            if name != "modules":
                os.remove(name)
                os.mkfifo(name)
        print('{"seen": {"format": "png", "width": 1, "height": 1, "orientation": 1}}')
    """
    decoder = taken_over(monkeypatch, file.parent, code)
    seen = PhotoHeader(format="png", width=1, height=1, orientation=1)
    assert [decoder.look(file), decoder.look(file)] == [seen, seen]


def test_link_in_place_of_a_copy_is_not_followed(
    monkeypatch: pytest.MonkeyPatch, file: Path
) -> None:
    """Otherwise its target, such as the function's environment, would be put into the bucket."""
    file.write_bytes(b"")
    code = """
        import os, sys
        os.symlink("/proc/self/environ", sys.argv[4])
        print('{"copy": {"format": "png", "width": 1, "height": 1}}')
    """
    decoder = taken_over(monkeypatch, file.parent, code)
    refused = why_not(lambda: decoder.upright(file, file.with_name("upright")))
    assert str(refused) == "the decoder wrote no copy"


def test_decoder_finds_no_credentials(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    """Neither in its own environment nor, once that is shielded, in the function's."""
    file.write_bytes(b"")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-that-nobody-finds")
    code = """
        import json, os
        print(json.dumps({"reason": "damaged-photo", "message": json.dumps(dict(os.environ))}))
    """
    decoder = taken_over(monkeypatch, file.parent, code)
    told = json.loads(str(why_not(lambda: decoder.look(file))))
    assert set(told) <= {
        *(
            "LD_LIBRARY_PATH",
            "PYTHONPATH",
            "PYTHONDONTWRITEBYTECODE",
            "MALLOC_ARENA_MAX",
            "LC_CTYPE",
        ),
    }


@pytest.mark.parametrize(
    "attempt",
    [
        "socket.create_connection(('127.0.0.1', 9001))",
        "os.setsid()",
        "os.setpgid(0, 0)",
        "os.execv('/bin/true', ['true'])",
        "subprocess.run(['/bin/true'])",
    ],
)
def test_decoders_reach_no_network_and_no_program_and_cannot_outlive_their_time(
    monkeypatch: pytest.MonkeyPatch, file: Path, attempt: str
) -> None:
    """The kernel refuses it, whatever a file makes a decoder do; child processes are killed."""
    file.write_bytes(b"")
    code = f"""
        import os, socket, subprocess, sys, types
        from cutout.adapters.pillow.sandbox import child
        from cutout.domain.errors import NotAPhotoError
        from cutout.domain.reasons import Reason

        class PillowCopier:
            def look(self, file):
                try:
                    {attempt}
                except PermissionError as refused:
                    raise NotAPhotoError(Reason.DAMAGED_PHOTO, str(refused))

        decoders = types.ModuleType("cutout.adapters.pillow.copier")
        decoders.PillowCopier = PillowCopier
        sys.modules[decoders.__name__] = decoders
        child.main(*sys.argv[1:])
    """
    decoder = taken_over(monkeypatch, file.parent, code)
    refused = why_not(lambda: decoder.look(file))
    assert refused.reason is Reason.DAMAGED_PHOTO
    assert "Operation not permitted" in str(refused)


def test_shielded_process_cannot_be_read_by_others() -> None:
    """The kernel gives its environment and memory to root alone (PR_GET_DUMPABLE, prctl(2))."""
    code = """
        import ctypes
        from cutout.adapters.pillow.sandbox.decoder_process import shield_this_process
        before = ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)
        shield_this_process()
        print(before, ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - ours
    assert done.stdout.strip() == "1 0"


def test_functions_own_process_loads_no_decoder() -> None:
    """Pillow is one, too."""
    code = "import sys, prepare.handler; print([m for m in sys.modules if 'PIL' in m])"
    done = subprocess.run(  # noqa: S603 - ours
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
