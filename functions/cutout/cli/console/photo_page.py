"""The page of one photo: its pictures, history, attempts and costs, and the retry."""

import json
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cutout.cli.console.live import LiveWindows, ShownPage
from cutout.cli.console.retry_offer import offer_of, retry_as_offered
from cutout.cli.console.site import Form, Site
from cutout.cli.console.stored_files import cut_out_of, photo_of, variants_of
from cutout.cli.output.gate_text import delay
from cutout.cli.output.job_text import event_text
from cutout.cli.output.timeline import is_shortened, timeline
from cutout.domain.dataclass import dataclass
from cutout.domain.job.job import Job
from cutout.domain.object_keys import note_key
from cutout.domain.sanitize import plain_json
from cutout.domain.states import State

_OTHERS_SHOWN = 5
_MAX_NOTE_BYTES = 1 << 16


@dataclass(frozen=True, kw_only=True)
class PhotoPage:
    """The page of one photo."""

    site: Site
    windows: LiveWindows

    def routes(self) -> list[Route]:
        """Return its routes."""
        return [
            self.site.get("/jobs/{job_id}", self.show),
            self.site.get("/jobs/{job_id}/row", self.row),
            self.site.post("/jobs/{job_id}/retry", self.retry),
        ]

    def show(self, request: Request) -> Response:
        """Show the photo."""
        stack, job, now = self.site.stack(), self.site.job_of(request), self.site.now()
        uploads = stack.uploads_of(job.source.key, _OTHERS_SHOWN + 1)
        page = ShownPage(made=self.site.now(), jobs={job.id: job}, is_photo=True)
        waits = delay([job], stack.jobs.read_gate, now)
        return self.site.page(
            "photo.html",
            job=job,
            live=self.windows.stream_of(page),
            steps=timeline(job, now),
            is_shortened=is_shortened(job),
            others=[one for one in uploads if one.id != job.id][:_OTHERS_SHOWN],
            waits=waits.text if waits else None,
            event=event_text(job) if job.state.is_settled else None,
            photo=photo_of(job),
            cut_out=cut_out_of(job),
            # The key's cut-out is that of another job, whose upload is newer.
            is_replaced=job.state is State.COMPLETED
            and any(one.state is job.state and one.created_at > job.created_at for one in uploads),
            files=variants_of(job),
            note=self._note(job),
            offer=offer_of(self.site, job) if job.state.is_settled else None,
        )

    def row(self, request: Request) -> Response:
        """Show the job as a row of an uploaded file; it may have no job yet."""
        job = self.site.stack().jobs.find(request.path_params["job_id"])
        if job is None:
            return Response(status_code=HTTPStatus.NO_CONTENT)
        return self.site.page("_job.html", job=job, is_dropped=True)

    def retry(self, request: Request, form: Form) -> Response:
        """Retry the job that the page showed, for the price that it showed."""
        retry_as_offered(self.site, self.site.job_of(request), form)
        return Response(status_code=HTTPStatus.NO_CONTENT, headers={"HX-Refresh": "true"})

    def _note(self, job: Job) -> str | None:
        """Return the note that says why the key has no cut-out, if there is one."""
        stack = self.site.stack()
        rules = stack.rules().upload_filter
        key = note_key(
            job.source.key, upload_prefix=rules.upload_prefix, result_prefix=rules.result_prefix
        )
        opened = stack.ports.store.open(stack.outputs.results_bucket, key)
        # Something else may be at its key, of any size.
        if opened is None or opened.size > _MAX_NOTE_BYTES:
            return None
        try:
            return plain_json(json.loads(b"".join(opened.chunks)), indent=2)
        except ValueError:
            return None
