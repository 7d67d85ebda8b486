"""The Files API: photos handed over by upload instead of by URL.

Of its three ways to upload, the stand-in has the one that Cutout uses: multipart/form-data.
"""

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO
from urllib.parse import quote

from PIL import Image
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from infra.local.evolink import refusals
from infra.local.evolink.refusals import RefusalError, no_such_key
from infra.local.evolink.stored_state import StoredDict
from infra.local.evolink.tasks.activity_log import EntryKind
from infra.local.evolink.tasks.input_photo import FORMATS
from infra.local.evolink.tasks.service import Service

_LARGEST_FILE = 100 * 1024 * 1024
_LIFE = timedelta(hours=72)
_DEFAULT_PATH = "images"
_EXTENSIONS = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "GIF": "gif"}
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_BOUNDARY = re.compile(r'multipart/form-data;.*boundary="?([^";]+)"?', re.IGNORECASE)
_NAME = re.compile(rb'; *(name|filename)="([^"]*)"')


@dataclass(frozen=True, kw_only=True)
class _StoredFile:
    """One uploaded file; ``described`` is what the API says about it."""

    location: str
    sha256: str
    expires_at: datetime
    described: Mapping[str, object]

    @property
    def id(self) -> object:
        """Its id."""
        return self.described["file_id"]


class FileRoutes:
    """The routes of the Files API, and the one that serves its files without a key."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._files: StoredDict[_StoredFile] = StoredDict(service.state, "files")
        self.routes = [
            Route("/api/v1/files/upload/stream", self.upload, methods=["POST"]),
            Route("/api/v1/files/quota", self.quota, methods=["GET"]),
            Route("/api/v1/files/{file_id}", self.delete, methods=["DELETE"]),
            Route("/files/{location:path}", self.serve, methods=["GET", "HEAD"]),
        ]

    async def upload(self, request: Request) -> Response:
        """Store a file sent as a form; one with the same path and name is overwritten."""
        self._authenticate(request)
        service = self._service
        try:
            form = _form(request.headers.get("content-type", ""), await request.body())
            path, name = _field(form, "upload", "path"), _field(form, "file", "name")
            file = self._store(form["file"], path, name)
        except RefusalError as error:
            service.activity.enter(EntryKind.UPLOAD, status=error.refusal.status, file=None)
            raise
        own_photo = f"/files/{file.location}"
        service.activity.enter(EntryKind.UPLOAD, photo=own_photo, status=200, file=file.id)
        return _success(file.described)

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

    async def delete(self, request: Request) -> Response:
        """Delete a file."""
        self._authenticate(request)
        file_id = request.path_params["file_id"]
        file = next((file for file in self._live() if file.id == file_id), None)
        if file is None:
            raise RefusalError(refusals.FILE_NOT_FOUND)
        del self._files[file.location]
        photo = f"/files/{file.location}"
        self._service.activity.enter(EntryKind.DELETE, photo=photo, file=file.id)
        return _success(None)

    async def serve(self, request: Request) -> Response:
        """Answer with a file's bytes until it expires."""
        service = self._service
        location = str(request.path_params["location"])
        file = self._files.get(location)
        if file is None or file not in self._live():
            return no_such_key()
        media_type = str(file.described["mime_type"])
        return Response(service.blobs[file.sha256], media_type=media_type)

    def _store(self, part: "_Part", path: str, name: str) -> _StoredFile:
        service = self._service
        if len(part.content) > _LARGEST_FILE:
            raise RefusalError(refusals.FILE_TOO_LARGE)
        if len(self._live()) >= service.options.max_files:
            raise RefusalError(refusals.FILE_QUOTA_EXCEEDED)
        kind = _format_of(part.content)
        file_id = f"file_{secrets.token_hex(12)}"
        name = _safe(name) or f"{file_id}.{_EXTENSIONS[kind]}"
        folder = "/".join(filter(None, map(_safe, path.split("/")))) or _DEFAULT_PATH
        location = f"{folder}/{name}"
        url = f"{service.base_url}/files/{quote(location)}"
        digest = hashlib.sha256(part.content).hexdigest()
        service.blobs[digest] = part.content
        now = service.clock.now()
        described = {
            "file_id": file_id,
            "file_name": name,
            "original_name": part.file_name,
            "file_size": len(part.content),
            "mime_type": f"image/{kind.lower()}",
            "upload_path": folder,
            "file_url": url,
            "download_url": f"{url}?download=1",
            "upload_time": now.isoformat(),
            "expires_at": (now + _LIFE).isoformat(),
        }
        # One file per location: one with the same path and name takes its place.
        self._files[location] = file = _StoredFile(
            location=location, sha256=digest, expires_at=now + _LIFE, described=described
        )
        return file

    def _live(self) -> list[_StoredFile]:
        now = self._service.clock.now()
        return [file for file in self._files.values() if file.expires_at > now]

    def _authenticate(self, request: Request) -> None:
        try:
            self._service.authenticate(request)
        except RefusalError:
            raise RefusalError(refusals.FILES_UNAUTHORIZED) from None


@dataclass(frozen=True, kw_only=True)
class _Part:
    """One part of a form."""

    file_name: str
    content: bytes


def _form(content_type: str, body: bytes) -> Mapping[str, _Part]:
    """Return the parts of multipart/form-data by name; one without a file is refused."""
    parts: dict[str, _Part] = {}
    if boundary := _BOUNDARY.match(content_type):
        delimiter = b"\r\n--" + boundary[1].encode("latin-1")
        # The first delimiter may begin the body, without the line break of the others (RFC 2046,
        # 5.1.1).
        for section in (b"\r\n" + body).split(delimiter)[1:-1]:
            head, _, content = section.partition(b"\r\n\r\n")
            names = {key: value.decode("utf-8", "replace") for key, value in _NAME.findall(head)}
            file_name = names.get(b"filename", "file")
            parts[names.get(b"name", "")] = _Part(file_name=file_name, content=content)
    if "file" not in parts:
        raise RefusalError(refusals.FILE_MISSING)
    return parts


def _field(form: Mapping[str, _Part], one: str, other: str) -> str:
    """Return the text of a field in either spelling: ``file_name`` or ``fileName``."""
    part = form.get(f"{one}_{other}", form.get(f"{one}{other.title()}"))
    return "" if part is None else part.content.decode("utf-8", "replace")


def _success(data: object) -> Response:
    return JSONResponse({"success": True, "code": 200, "msg": "success", "data": data})


def _format_of(content: bytes) -> str:
    """Return the format according to the bytes, whatever the sender declared."""
    try:
        with Image.open(BytesIO(content), formats=FORMATS) as picture:
            return str(picture.format)
    except (OSError, ValueError, Image.DecompressionBombError):
        raise RefusalError(refusals.FILE_TYPE_UNSUPPORTED) from None


def _safe(name: str) -> str:
    return _UNSAFE.sub("-", name).strip(".-")
