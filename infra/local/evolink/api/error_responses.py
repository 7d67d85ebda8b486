"""What the API answers instead of doing what was asked, in its documented envelope."""

from collections.abc import Mapping
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from infra.local.evolink.faults.fault_rules import Rule


class RefusalError(Exception):
    """A request is refused: HTTP status, code, message and type of the error envelope."""

    def __init__(
        self,
        status: int,
        code: str | int,
        message: str,
        kind: str,
        *,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.kind = kind
        self.param = param
        self.headers = headers

    def response(self) -> Response:
        """Return the answer that says so."""
        error: dict[str, str | int] = {
            "code": self.code,
            "message": self.message,
            "type": self.kind,
        }
        if self.param is not None:
            error["param"] = self.param
        return JSONResponse({"error": error}, status_code=self.status, headers=self.headers)


def invalid_request(message: str) -> RefusalError:
    """Refuse what does not have the documented shape."""
    return RefusalError(HTTPStatus.BAD_REQUEST, "invalid_request", message, "invalid_request_error")


def unauthorized() -> RefusalError:
    """Refuse a missing or unknown key."""
    return RefusalError(
        HTTPStatus.UNAUTHORIZED, "unauthorized", "Invalid or expired token", "authentication_error"
    )


def insufficient_quota() -> RefusalError:
    """Refuse an account that cannot pay."""
    return RefusalError(
        HTTPStatus.PAYMENT_REQUIRED,
        "insufficient_quota",
        "Insufficient quota. Please top up your account.",
        "insufficient_quota",
    )


def model_access_denied(model: str) -> RefusalError:
    """Refuse a model this key may not use."""
    return RefusalError(
        HTTPStatus.FORBIDDEN,
        "model_access_denied",
        f"Token does not have access to model: {model}",
        "invalid_request_error",
    )


def rate_limited() -> RefusalError:
    """Refuse one request too many; Retry-After is undocumented, so only a rule adds it."""
    return RefusalError(
        HTTPStatus.TOO_MANY_REQUESTS,
        "rate_limit_exceeded",
        "Too many requests, please try again later",
        "rate_limit_error",
    )


def idempotency_conflict() -> RefusalError:
    """Refuse a key that stood for another body before."""
    return RefusalError(
        HTTPStatus.CONFLICT,
        "idempotency_conflict",
        "Idempotency-Key was used with a different request body",
        "invalid_request_error",
    )


def invalid_task_id() -> RefusalError:
    """Refuse what cannot be a task id."""
    return RefusalError(
        HTTPStatus.BAD_REQUEST,
        "invalid_task_id",
        "Invalid task ID format",
        "invalid_request_error",
        param="task_id",
    )


def task_not_found() -> RefusalError:
    """Refuse a task id nobody handed out."""
    return RefusalError(
        HTTPStatus.NOT_FOUND, "task_not_found", "Task not found", "invalid_request_error"
    )


def internal_error() -> RefusalError:
    """Fail for no reason of the client's."""
    return RefusalError(
        HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", "Internal server error", "api_error"
    )


def adapt(refusal: RefusalError, rule: Rule) -> RefusalError:
    """Return the refusal with the code, message and Retry-After a rule asks for."""
    headers = refusal.headers
    if rule.retry_after is not None:
        headers = {"retry-after": f"{rule.retry_after:g}"}
    return RefusalError(
        refusal.status,
        rule.code or refusal.code,
        rule.message or refusal.message,
        refusal.kind,
        param=refusal.param,
        headers=headers,
    )


async def answer_refusal(_request: Request, refusal: Exception) -> Response:
    """Turn a raised refusal into its answer (a Starlette exception handler)."""
    if not isinstance(refusal, RefusalError):
        raise refusal
    return refusal.response()
