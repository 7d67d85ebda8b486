import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from infra.local.evolink.model_file import MODEL, check_model
from infra.local.local_cloud_error import LocalCloudError

ROOT = Path(__file__).parents[4]


def test_setup_has_installed_the_model_and_its_package_s_licence() -> None:
    """The file comes out of a wheel, whose licence asks to be kept beside it."""
    check_model()
    (licence,) = MODEL.parents[1].glob("*.dist-info/licenses/LICENSE.txt")
    assert "MIT License" in licence.read_text()


def test_a_missing_model_is_reported_with_the_command_that_downloads_it(tmp_path: Path) -> None:
    """The error names the file."""
    with pytest.raises(LocalCloudError, match=r"cannot be read: .*gone\.onnx") as caught:
        check_model(tmp_path / "gone.onnx")
    assert "make setup" in caught.value.advice


def test_a_damaged_model_is_reported_before_it_is_used(tmp_path: Path) -> None:
    """One byte is missing; OpenCV would only say that it cannot parse the file."""
    damaged = Path(shutil.copy(MODEL, tmp_path))
    os.truncate(damaged, MODEL.stat().st_size - 1)
    with pytest.raises(LocalCloudError, match="is damaged") as caught:
        check_model(damaged)
    assert caught.value.advice.startswith("Delete that file and run `make setup`")


def test_the_stand_in_does_not_start_without_the_model() -> None:
    """Here it runs outside the virtual environment, which contains the model."""
    python = os.path.realpath(sys.executable)
    done = subprocess.run(  # noqa: S603 - this Python
        [python, "-m", "infra.local.evolink"],
        env={
            "PYTHONPATH": f"{ROOT}:{sysconfig.get_path('purelib')}",
            "STANDIN_API_KEYS": "sk-test",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Error: The model that removes backgrounds cannot be read" in done.stderr
    assert "Run `make setup`" in done.stderr
