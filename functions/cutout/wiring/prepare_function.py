"""Prepare on AWS. It decodes strangers' files, so it has no table and no key."""

from __future__ import annotations

from collections.abc import Mapping

from cutout.adapters.pillow.sandbox import decoder_process
from cutout.adapters.s3.uploads_bucket import S3Uploads
from cutout.adapters.s3.work_bucket import S3Copies
from cutout.adapters.sqs import SqsSubmissions
from cutout.adapters.temp_folder import clear_left_behind, folder
from cutout.domain.function_settings import PrepareSettings
from cutout.domain.photo.photo_and_result_checks import PhotoLimits
from cutout.ports.telemetry import Telemetry
from cutout.usecases.prepare.prepare_copy import PrepareCopy
from cutout.wiring.aws_clients import Clients
from cutout.wiring.environment_reader import read_settings

# Memory of the function's own process: its SDK, its connections, a photo on its way to a file.
_OWN_MB = 250
_COPIES = 2  # copies made of one photo; each is decoded separately


def build(environment: Mapping[str, str], telemetry: Telemetry) -> PrepareCopy:
    """Compose PrepareCopy, shielded from its decoder; SettingsError without its environment."""
    # Before anything is decoded: a decoder that takes all memory must not end this process.
    decoder_process.shield_this_process()
    clear_left_behind()
    settings = read_settings(PrepareSettings, environment)
    clients = Clients(environment)
    clients.connect("s3", "sqs")
    return PrepareCopy(
        folders=folder,
        uploads=S3Uploads(clients.s3),
        copier=decoder_process.DecoderProcess(decoder_limits(settings)),
        copies=S3Copies(clients.s3, settings.work_bucket),
        reports=SqsSubmissions(clients.sqs, settings.submissions_queue_url),
        telemetry=telemetry,
        limits=PhotoLimits(
            max_bytes=settings.max_bytes,
            max_pixels=settings.max_pixels,
            min_side=settings.min_side,
            max_side=settings.max_side,
        ),
    )


def decoder_limits(settings: PrepareSettings) -> decoder_process.DecoderLimits:
    """Limits of a decoder: the function's own, less a fifth of its time for downloads and uploads.

    A look and two copies fit into that time.
    """
    for_copies = settings.timeout_seconds.total_seconds() * 0.8 - decoder_process.LOOK_SECONDS
    seconds = int(for_copies / _COPIES)
    return decoder_process.DecoderLimits(
        memory_mb=settings.memory_mb - _OWN_MB,
        seconds=max(1, seconds),
        file_mb=settings.disk_mb,
    )
