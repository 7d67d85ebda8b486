"""The Files API: photos handed over by upload instead of by URL."""

import re
import secrets
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from functools import partial
from http import HTTPStatus
from io import BytesIO
from urllib.parse import quote

from PIL import Image, UnidentifiedImageError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from infra.local.evolink.answers import file_errors
from infra.local.evolink.answers.error_responses import RefusalError, no_such_key
from infra.local.evolink.answers.file_errors import FilesRefusalError
from infra.local.evolink.faults.fault import Stage
from infra.local.evolink.faults.file_faults import DOWNLOAD_FAULTS, UPLOAD_FAULTS
from infra.local.evolink.files.incoming import IncomingFile, from_base64, from_stream, from_url
from infra.local.evolink.files.stored_files import StoredFile
from infra.local.evolink.service import Service
from infra.local.evolink.tasks.activity_log import Kind
from infra.local.evolink.tasks.input_photo import FORMATS

_LARGEST_PAGE = 100
_DEFAULT_PATH = "images"
_EXTENSIONS = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "GIF": "gif"}
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")

Reader = Callable[[Request], Awaitable[IncomingFile]]


class FileRoutes:
    """The routes of the Files API, and the one that serves its files without a key."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def routes(self) -> list[Route]:
        """Return the routes."""
        base = "/api/v1/files"
        return [
            Route(f"{base}/upload/url", self.upload_url, methods=["POST"]),
            Route(f"{base}/upload/stream", self.upload_stream, methods=["POST"]),
            Route(f"{base}/upload/base64", self.upload_base64, methods=["POST"]),
            Route(f"{base}/quota", self.quota, methods=["GET"]),
            Route(f"{base}/list", self.list_page, methods=["GET"]),
            Route(f"{base}/{{file_id}}", self.delete, methods=["DELETE"]),
            Route("/files/{location:path}", self.serve, methods=["GET", "HEAD"]),
        ]

    async def upload_url(self, request: Request) -> Response:
        """Fetch a URL and store its content."""
        seconds = self._service.options.fetch_timeout_seconds
        return await self._upload(
            request, partial(from_url, outgoing=self._service.outgoing, timeout_seconds=seconds)
        )

    async def upload_stream(self, request: Request) -> Response:
        """Store a file sent as a form."""
        return await self._upload(request, from_stream)

    async def upload_base64(self, request: Request) -> Response:
        """Store a file sent as base64."""
        return await self._upload(request, from_base64)

    async def quota(self, request: Request) -> Response:
        """Answer with the number of files and the limit."""
        self._authenticate(request)
        used, most = len(self._live()), self._service.options.max_files
        return _success(
            {
                "user_group": "default",
                "used_files": used,
                "max_files": most,
                "remain_files": max(0, most - used),
                "is_custom": False,
                "quota_reason": "default",
            }
        )

    async def list_page(self, request: Request) -> Response:
        """Answer with a page of the stored files."""
        self._authenticate(request)
        try:
            page = max(1, int(request.query_params.get("page", "1")))
            size = int(request.query_params.get("pageSize", "20"))
        except ValueError:
            raise file_errors.malformed("page and pageSize are numbers") from None
        size = min(max(1, size), _LARGEST_PAGE)
        files = self._live()
        shown = files[(page - 1) * size : page * size]
        return _success(
            {
                "total": len(files),
                "page": page,
                "pageSize": size,
                "list": [self._describe(file) for file in shown],
            }
        )

    async def delete(self, request: Request) -> Response:
        """Delete a file."""
        self._authenticate(request)
        service = self._service
        file = service.files.find(str(request.path_params["file_id"]), service.clock.now())
        if file is None:
            raise file_errors.not_found()
        service.files.delete(file)
        service.activity.enter(Kind.DELETE, photo=f"/files/{file.location}", file=file.id)
        return _success(None)

    async def serve(self, request: Request) -> Response:
        """Answer with a file's bytes until it expires."""
        service = self._service
        location = str(request.path_params["location"])
        file = service.files.find_at(location, service.clock.now())
        rule = service.rules.take(Stage.SERVE, f"/files/{location}")
        if file is None:
            return no_such_key()
        answer = Response(service.blobs.get(file.sha256), media_type=file.mime_type)
        return service.answer(request, DOWNLOAD_FAULTS, rule, answer)

    async def _upload(self, request: Request, read: Reader) -> Response:
        self._authenticate(request)
        try:
            incoming = await read(request)
            rule = self._service.rules.take(Stage.UPLOAD, incoming.photo)
            if rule is None:
                file = self._store(incoming)
        except FilesRefusalError as refusal:
            self._enter("", refusal.status)
            raise
        if rule is not None:
            broken = self._service.answer(request, UPLOAD_FAULTS, rule, Response())
            self._enter(incoming.photo, broken.status_code)
            return broken
        self._enter(f"/files/{file.location}", HTTPStatus.OK, file.id)
        return _success(self._describe(file))

    def _enter(self, photo: str, status: int, file_id: str | None = None) -> None:
        self._service.activity.enter(Kind.UPLOAD, photo=photo, status=status, file=file_id)

    def _store(self, incoming: IncomingFile) -> StoredFile:
        service = self._service
        if len(self._live()) >= service.options.max_files:
            raise file_errors.quota_exceeded()
        kind = _kind(incoming.content)
        file_id = f"file_{secrets.token_hex(12)}"
        now = service.clock.now()
        file = StoredFile(
            id=file_id,
            name=_safe(incoming.name) or f"{file_id}.{_EXTENSIONS[kind]}",
            original_name=incoming.original_name,
            path="/".join(filter(None, map(_safe, incoming.path.split("/")))) or _DEFAULT_PATH,
            size=len(incoming.content),
            mime_type=f"image/{kind.lower()}",
            sha256=service.blobs.put(incoming.content),
            uploaded_at=now,
            expires_at=now + timedelta(hours=service.options.file_hours),
        )
        service.files.save(file)
        return file

    def _live(self) -> Sequence[StoredFile]:
        return [*self._service.files.live(self._service.clock.now())]

    def _authenticate(self, request: Request) -> None:
        try:
            self._service.authenticate(request)
        except RefusalError:
            raise file_errors.unauthorized() from None

    def _describe(self, file: StoredFile) -> dict[str, object]:
        url = f"{self._service.base_url}/files/{quote(file.location)}"
        return {
            "file_id": file.id,
            "file_name": file.name,
            "original_name": file.original_name,
            "file_size": file.size,
            "mime_type": file.mime_type,
            "upload_path": file.path,
            "file_url": url,
            "download_url": f"{url}?download=1",
            "upload_time": file.uploaded_at.isoformat(),
            "expires_at": file.expires_at.isoformat(),
        }


def _success(data: object) -> Response:
    return JSONResponse({"success": True, "code": 200, "msg": "success", "data": data})


def _kind(content: bytes) -> str:
    """Return the format according to the bytes, whatever the sender declared."""
    try:
        with Image.open(BytesIO(content), formats=FORMATS) as picture:
            return str(picture.format)
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError):
        raise file_errors.unsupported_type() from None


def _safe(name: str) -> str:
    return _UNSAFE.sub("-", name).strip(".-")
