"""Error answers of the Files API, which has an envelope of its own."""

from http import HTTPStatus

from infra.local.evolink.answers.error_responses import RefusalError


class FilesRefusalError(RefusalError):
    """A request to the Files API is refused: code, message and HTTP status."""

    def __init__(self, code: int, message: str, status: int = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(status, code, message)

    def envelope(self, code: str | int, message: str) -> dict[str, object]:
        """Return the body of the error answer."""
        return {"success": False, "code": code, "msg": message}


def too_large() -> FilesRefusalError:
    """Refuse more than 100 MB."""
    return FilesRefusalError(40001, "File size exceeds the 100MB limit")


def unsupported_type() -> FilesRefusalError:
    """Refuse everything but JPEG, PNG, GIF and WebP."""
    return FilesRefusalError(40002, "Unsupported file type")


def quota_exceeded() -> FilesRefusalError:
    """Refuse more files than the quota allows."""
    return FilesRefusalError(40003, "File quota exceeded")


def not_fetchable(reason: str) -> FilesRefusalError:
    """Refuse a URL that cannot be fetched."""
    return FilesRefusalError(40004, f"Failed to fetch the file URL: {reason}")


def storage_failed() -> FilesRefusalError:
    """Report an error of the storage."""
    return FilesRefusalError(50001, "Storage error", HTTPStatus.INTERNAL_SERVER_ERROR)


def unauthorized() -> FilesRefusalError:
    """Refuse a missing or unknown key."""
    return FilesRefusalError(401, "Invalid or expired token", HTTPStatus.UNAUTHORIZED)


def rate_limited() -> FilesRefusalError:
    """Refuse too many uploads."""
    return FilesRefusalError(429, "upload_token_rate_limited", HTTPStatus.TOO_MANY_REQUESTS)


def malformed(reason: str) -> FilesRefusalError:
    """Refuse a request without the documented shape."""
    return FilesRefusalError(400, reason)


def not_found() -> FilesRefusalError:
    """Refuse an unknown file id."""
    return FilesRefusalError(404, "File not found", HTTPStatus.NOT_FOUND)
