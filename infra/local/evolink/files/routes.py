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

from infra.local.evolink.api.error_responses import RefusalError
from infra.local.evolink.faults import broken_answers
from infra.local.evolink.faults.fault_table import Stage
from infra.local.evolink.faults.file_faults import break_upload
from infra.local.evolink.files import file_errors
from infra.local.evolink.files.file_errors import FilesRefusalError
from infra.local.evolink.files.incoming import Incoming, from_base64, from_stream, from_url
from infra.local.evolink.files.stored_files import Upload
from infra.local.evolink.service import Service
from infra.local.evolink.tasks.activity_log import Kind
from infra.local.evolink.tasks.input_photo import FORMATS

_LARGEST_PAGE = 100
_USUAL_PATH = "images"
_EXTENSIONS = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "GIF": "gif"}
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")

Reader = Callable[[Request], Awaitable[Incoming]]


class Files:
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
        """Fetch a URL and keep what it gives."""
        seconds = self._service.options.fetch_timeout_seconds
        return await self._upload(
            request, partial(from_url, outgoing=self._service.outgoing, timeout_seconds=seconds)
        )

    async def upload_stream(self, request: Request) -> Response:
        """Keep a file sent as a form."""
        return await self._upload(request, from_stream)

    async def upload_base64(self, request: Request) -> Response:
        """Keep a file sent as base64."""
        return await self._upload(request, from_base64)

    async def quota(self, request: Request) -> Response:
        """Answer with the number of files there are and may be."""
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
        """Answer with a page of the files there are."""
        self._authenticate(request)
        try:
            page = max(1, int(request.query_params.get("page", "1")))
            size = int(request.query_params.get("pageSize", "20"))
        except ValueError:
            raise file_errors.malformed("page and pageSize are numbers") from None
        size = min(max(1, size), _LARGEST_PAGE)
        uploads = self._live()
        shown = uploads[(page - 1) * size : page * size]
        return _success(
            {
                "total": len(uploads),
                "page": page,
                "pageSize": size,
                "list": [self._describe(upload) for upload in shown],
            }
        )

    async def delete(self, request: Request) -> Response:
        """Delete a file."""
        self._authenticate(request)
        upload = self._service.uploads.find(
            str(request.path_params["file_id"]), self._service.clock.now()
        )
        if upload is None:
            raise file_errors.not_found()
        self._service.uploads.delete(upload)
        self._service.ledger.enter(Kind.DELETE, photo=f"/files/{upload.location}", file=upload.id)
        return _success(None)

    async def serve(self, request: Request) -> Response:
        """Answer with a file's bytes until it expires."""
        location = str(request.path_params["location"])
        upload = self._service.uploads.find_at(location, self._service.clock.now())
        rule = self._service.rules.take(Stage.SERVE, f"/files/{location}")
        if upload is None or rule is not None:
            return broken_answers.no_such_key()
        return Response(self._service.blobs.get(upload.sha256), media_type=upload.mime_type)

    async def _upload(self, request: Request, read: Reader) -> Response:
        self._authenticate(request)
        photo, file_id, status = "", None, 0
        try:
            incoming = await read(request)
            photo = incoming.photo
            rule = self._service.rules.take(Stage.UPLOAD, photo)
            if rule is not None:
                return await break_upload(request, rule)
            upload = self._store(incoming)
            photo, file_id, status = f"/files/{upload.location}", upload.id, HTTPStatus.OK
        except FilesRefusalError as refusal:
            status = refusal.status
            raise
        finally:
            self._service.ledger.enter(Kind.UPLOAD, photo=photo, status=status, file=file_id)
        return _success(self._describe(upload))

    def _store(self, incoming: Incoming) -> Upload:
        service = self._service
        if len(self._live()) >= service.options.max_files:
            raise file_errors.quota_used_up()
        kind = _kind(incoming.content)
        file_id = f"file_{secrets.token_hex(12)}"
        now = service.clock.now()
        upload = Upload(
            id=file_id,
            name=_safe(incoming.name) or f"{file_id}.{_EXTENSIONS[kind]}",
            original_name=incoming.original_name,
            path="/".join(filter(None, map(_safe, incoming.path.split("/")))) or _USUAL_PATH,
            size=len(incoming.content),
            mime_type=f"image/{kind.lower()}",
            sha256=service.blobs.put(incoming.content),
            uploaded_at=now,
            expires_at=now + timedelta(hours=service.options.file_hours),
        )
        service.uploads.save(upload)
        return upload

    def _live(self) -> Sequence[Upload]:
        return [*self._service.uploads.live(self._service.clock.now())]

    def _authenticate(self, request: Request) -> None:
        try:
            self._service.authenticate(request)
        except RefusalError:
            raise file_errors.unauthorized() from None

    def _describe(self, upload: Upload) -> dict[str, object]:
        url = f"{self._service.base_url}/files/{quote(upload.location)}"
        return {
            "file_id": upload.id,
            "file_name": upload.name,
            "original_name": upload.original_name,
            "file_size": upload.size,
            "mime_type": upload.mime_type,
            "upload_path": upload.path,
            "file_url": url,
            "download_url": f"{url}?download=1",
            "upload_time": upload.uploaded_at.isoformat(),
            "expires_at": upload.expires_at.isoformat(),
        }


def _success(data: object) -> Response:
    return JSONResponse({"success": True, "code": 200, "msg": "success", "data": data})


def _kind(content: bytes) -> str:
    """Return the format found in the bytes; what the sender says is not believed."""
    try:
        with Image.open(BytesIO(content), formats=FORMATS) as picture:
            return str(picture.format)
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError):
        raise file_errors.unsupported_type() from None


def _safe(name: str) -> str:
    return _UNSAFE.sub("-", name).strip(".-")
