"""Pictures and files of a job, passed on from the buckets to the browser.

The browser does not get links to S3: it does not trust the certificate of the local cloud, links
would stay in its history, and the pages' policy could not be limited to this server.
A file is passed on in the parts in which it is read, so that memory does not grow with its size.
Nothing is decoded here: files of strangers are decoded by the browser, in its sandbox.
"""

from http import HTTPStatus
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from cutout.cli.console.site import Site
from cutout.cli.console.stored_files import StoredFile, cut_out_of, photo_of, variants_of
from cutout.domain.dataclass import dataclass


@dataclass(frozen=True, kw_only=True)
class JobFiles:
    """The files of jobs."""

    site: Site

    def routes(self) -> list[Route]:
        """Return their routes."""
        return [
            self.site.get("/jobs/{job_id}/files/photo", self.photo),
            self.site.get("/jobs/{job_id}/files/cut-out", self.cut_out),
            self.site.get("/jobs/{job_id}/files/variants/{recipe}", self.variant),
        ]

    def photo(self, request: Request) -> Response:
        """Send the photo."""
        return self._sent(request, photo_of(self.site.job_of(request)))

    def cut_out(self, request: Request) -> Response:
        """Send the cut-out."""
        return self._sent(request, cut_out_of(self.site.job_of(request)))

    def variant(self, request: Request) -> Response:
        """Send a variant."""
        found = variants_of(self.site.job_of(request)).get(request.path_params["recipe"])
        return self._sent(request, found)

    def _sent(self, request: Request, file: StoredFile | None) -> Response:
        if file is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        opened = self.site.stack().ports.store.open(file.bucket, file.key, file.version_id)
        if opened is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        # The type follows from the name, whatever S3 says: an uploaded page must not run here.
        headers = {"Content-Length": str(opened.size)}
        if "download" in request.query_params or not file.is_shown:
            headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(file.name, '')}"
        return StreamingResponse(opened.chunks, media_type=file.media_type, headers=headers)
