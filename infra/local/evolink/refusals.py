"""Error answers of the task API, the Files API and the media host."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response


@dataclass(frozen=True)
class Refusal:
    """An error answer of the task API, in its documented envelope."""

    status: int
    code: str | int
    message: str
    type: str = "invalid_request_error"
    param: str | None = None

    def response(
        self,
        *,
        code: str | None = None,
        message: str | None = None,
        retry_after: float | None = None,
    ) -> Response:
        """Return the answer, with another code or message and a Retry-After if given."""
        return JSONResponse(
            self._envelope(code or self.code, message or self.message),
            status_code=self.status,
            headers=None if retry_after is None else {"retry-after": f"{retry_after:g}"},
        )

    def _envelope(self, code: str | int, message: str) -> dict[str, object]:
        error: dict[str, object] = {"code": code, "message": message, "type": self.type}
        return {"error": error if self.param is None else error | {"param": self.param}}


class FilesRefusal(Refusal):
    """An error answer of the Files API, which has an envelope of its own."""

    def _envelope(self, code: str | int, message: str) -> dict[str, object]:
        return {"success": False, "code": code, "msg": message}


class RefusalError(Exception):
    """A request is refused; Starlette answers it with ``answer_refusal``."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


UNAUTHORIZED = Refusal(401, "unauthorized", "Invalid or expired token", "authentication_error")
INSUFFICIENT_QUOTA = Refusal(
    402,
    "insufficient_quota",
    "Insufficient quota. Please top up your account.",
    "insufficient_quota",
)
NOT_FOUND = Refusal(404, "not_found", "Not found")
TASK_NOT_FOUND = Refusal(404, "task_not_found", "Task not found")
INVALID_TASK_ID = Refusal(400, "invalid_task_id", "Invalid task ID format", param="task_id")
IDEMPOTENCY_CONFLICT = Refusal(
    409, "idempotency_conflict", "Idempotency-Key was used with a different request body"
)
# Retry-After is undocumented, so only a fault rule adds it.
RATE_LIMITED = Refusal(
    429, "rate_limit_exceeded", "Too many requests, please try again later", "rate_limit_error"
)
INTERNAL_ERROR = Refusal(500, "internal_error", "Internal server error", "api_error")

FILE_TOO_LARGE = FilesRefusal(400, 40001, "File size exceeds the 100MB limit")
FILE_TYPE_UNSUPPORTED = FilesRefusal(400, 40002, "Unsupported file type")
FILE_QUOTA_EXCEEDED = FilesRefusal(400, 40003, "File quota exceeded")
FILE_MISSING = FilesRefusal(400, 400, "file is required")
FILE_NOT_FOUND = FilesRefusal(404, 404, "File not found")
FILES_UNAUTHORIZED = FilesRefusal(401, 401, UNAUTHORIZED.message)


def invalid_request(message: str) -> Refusal:
    """Return the refusal of a request without the documented shape."""
    return Refusal(400, "invalid_request", message)


def no_such_key() -> Response:
    """Return the answer of an object store for an object that does not exist or has expired."""
    return Response(
        '<?xml version="1.0" encoding="UTF-8"?><Error><Code>NoSuchKey</Code></Error>',
        status_code=404,
        media_type="application/xml",
    )


async def answer_refusal(_request: Request, error: Exception) -> Response:
    """Turn a refusal, or a route that does not exist, into its answer, as Starlette's handler."""
    refusal = error.refusal if isinstance(error, RefusalError) else NOT_FOUND
    return refusal.response()
