"""What the Files API answers instead, in an envelope of its own."""

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response


class FilesRefusalError(Exception):
    """An upload is refused: HTTP status, code and message."""

    def __init__(self, code: int, message: str, status: int = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


def too_large() -> FilesRefusalError:
    """Refuse more than 100 MB."""
    return FilesRefusalError(40001, "File size exceeds the 100MB limit")


def unsupported_type() -> FilesRefusalError:
    """Refuse what is no JPEG, PNG, GIF or WebP."""
    return FilesRefusalError(40002, "Unsupported file type")


def quota_used_up() -> FilesRefusalError:
    """Refuse one file too many."""
    return FilesRefusalError(40003, "File quota exceeded")


def not_fetchable(reason: str) -> FilesRefusalError:
    """Refuse a URL that cannot be fetched."""
    return FilesRefusalError(40004, f"Failed to fetch the file URL: {reason}")


def storage_failed() -> FilesRefusalError:
    """Fail in the storage."""
    return FilesRefusalError(50001, "Storage error", HTTPStatus.INTERNAL_SERVER_ERROR)


def unauthorized() -> FilesRefusalError:
    """Refuse a missing or unknown key."""
    return FilesRefusalError(401, "Invalid or expired token", HTTPStatus.UNAUTHORIZED)


def rate_limited() -> FilesRefusalError:
    """Refuse one upload too many."""
    return FilesRefusalError(429, "upload_token_rate_limited", HTTPStatus.TOO_MANY_REQUESTS)


def malformed(reason: str) -> FilesRefusalError:
    """Refuse what does not have the documented shape."""
    return FilesRefusalError(400, reason)


def not_found() -> FilesRefusalError:
    """Refuse a file id nobody handed out."""
    return FilesRefusalError(404, "File not found", HTTPStatus.NOT_FOUND)


async def answer_files_refusal(_request: Request, refusal: Exception) -> Response:
    """Turn a raised refusal into its answer (a Starlette exception handler)."""
    if not isinstance(refusal, FilesRefusalError):
        raise refusal
    return JSONResponse(
        {"success": False, "code": refusal.code, "msg": refusal.message},
        status_code=refusal.status,
    )
