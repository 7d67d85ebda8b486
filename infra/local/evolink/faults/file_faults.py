"""Faults of the Files API."""

from infra.local.evolink.answers import file_errors
from infra.local.evolink.faults.broken_answers import hang, missing, page, refused, reset
from infra.local.evolink.faults.fault import Stage, declare

UPLOAD_FAULTS = declare(
    "files",
    Stage.UPLOAD,
    ("40001", "The upload is refused as too large.", refused(file_errors.too_large())),
    ("40002", "The upload is refused for its type.", refused(file_errors.unsupported_type())),
    (
        "40003",
        "The upload is refused: the quota is used up.",
        refused(file_errors.quota_exceeded()),
    ),
    (
        "40004",
        "The upload's URL cannot be fetched.",
        refused(file_errors.not_fetchable("HTTP 403")),
    ),
    ("50001", "The upload fails in the storage.", refused(file_errors.storage_failed())),
    ("401", "The upload is refused: unknown key.", refused(file_errors.unauthorized())),
    ("429", "The upload is refused as too many requests.", refused(file_errors.rate_limited())),
    ("502", "The upload is answered 502 in HTML.", page(502)),
    ("reset", "The connection is reset.", reset),
    ("timeout", "The answer never comes.", hang),
)
"""Nothing is stored."""

DOWNLOAD_FAULTS = declare("files", Stage.SERVE, ("gone", "An uploaded file is not found.", missing))
