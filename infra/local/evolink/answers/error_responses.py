"""Error answers of the task API, in its documented envelope."""

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response


class RefusalError(Exception):
    """A request is refused: HTTP status, code, message and type of the error envelope."""

    def __init__(
        self,
        status: int,
        code: str | int,
        message: str,
        kind: str = "invalid_request_error",
        *,
        param: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.kind = kind
        self.param = param

    def response(
        self,
        *,
        code: str | None = None,
        message: str | None = None,
        retry_after: float | None = None,
    ) -> Response:
        """Return the error answer, with another code or message and a Retry-After if given."""
        return JSONResponse(
            self.envelope(code or self.code, message or self.message),
            status_code=self.status,
            headers=None if retry_after is None else {"retry-after": f"{retry_after:g}"},
        )

    def envelope(self, code: str | int, message: str) -> dict[str, object]:
        """Return the body of the error answer."""
        error: dict[str, object] = {"code": code, "message": message, "type": self.kind}
        return {"error": error if self.param is None else error | {"param": self.param}}


def invalid_request(message: str) -> RefusalError:
    """Refuse a request without the documented shape."""
    return RefusalError(HTTPStatus.BAD_REQUEST, "invalid_request", message)


def unauthorized() -> RefusalError:
    """Refuse a missing or unknown key."""
    return RefusalError(
        HTTPStatus.UNAUTHORIZED, "unauthorized", "Invalid or expired token", "authentication_error"
    )


def insufficient_quota() -> RefusalError:
    """Refuse an account without enough credits."""
    return RefusalError(
        HTTPStatus.PAYMENT_REQUIRED,
        "insufficient_quota",
        "Insufficient quota. Please top up your account.",
        "insufficient_quota",
    )


def model_access_denied(model: str) -> RefusalError:
    """Refuse a model that the key may not use."""
    return RefusalError(
        HTTPStatus.FORBIDDEN,
        "model_access_denied",
        f"Token does not have access to model: {model}",
    )


def rate_limited() -> RefusalError:
    """Refuse too many requests; Retry-After is undocumented, so only a fault rule adds it."""
    return RefusalError(
        HTTPStatus.TOO_MANY_REQUESTS,
        "rate_limit_exceeded",
        "Too many requests, please try again later",
        "rate_limit_error",
    )


def idempotency_conflict() -> RefusalError:
    """Refuse an idempotency key that was used with another body."""
    return RefusalError(
        HTTPStatus.CONFLICT,
        "idempotency_conflict",
        "Idempotency-Key was used with a different request body",
    )


def invalid_task_id() -> RefusalError:
    """Refuse a malformed task id."""
    return RefusalError(
        HTTPStatus.BAD_REQUEST, "invalid_task_id", "Invalid task ID format", param="task_id"
    )


def task_not_found() -> RefusalError:
    """Refuse an unknown task id."""
    return RefusalError(HTTPStatus.NOT_FOUND, "task_not_found", "Task not found")


def internal_error() -> RefusalError:
    """Report an error of the server."""
    return RefusalError(
        HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", "Internal server error", "api_error"
    )


def no_such_key() -> Response:
    """Return the answer of an object store for an object that does not exist or has expired."""
    return Response(
        '<?xml version="1.0" encoding="UTF-8"?><Error><Code>NoSuchKey</Code></Error>',
        status_code=HTTPStatus.NOT_FOUND,
        media_type="application/xml",
    )


async def answer_refusal(_request: Request, refusal: Exception) -> Response:
    """Turn a raised refusal into its answer (a Starlette exception handler)."""
    if not isinstance(refusal, RefusalError):
        raise refusal
    return refusal.response()
