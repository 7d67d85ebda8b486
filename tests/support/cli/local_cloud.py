"""A local cloud in memory behind the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cutout.cli.local_cloud import LocalCloud, needs_checkout
from infra.local.lifecycle import CLOUD, DEPLOY, SYNTH, CloudStatus, Progress
from infra.local.start import CloudRequest
from tests.support.cli.jobs import RESULTS, UPLOADS


@dataclass
class FakeLocalCloud(LocalCloud):
    """A local cloud that is up when the test says so."""

    now: CloudStatus = CloudStatus.DOWN
    fails_with: Exception | None = None
    wishes: list[CloudRequest] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    asked: Mapping[str, str] = field(default_factory=lambda: CloudRequest().asked)
    control_token: str = "of-the-stand-in"
    evolink_url: str = ""

    def _status(self) -> CloudStatus:
        return self.now

    @needs_checkout()
    def up(self, request: CloudRequest, progress: Progress, *, stays_up: bool) -> Mapping[str, str]:
        """Start, or fail as the test said."""
        self.calls.append("up for good" if stays_up else "up for a while")
        self.wishes.append(request)
        progress.begin(CLOUD)
        if self.fails_with is not None:
            raise self.fails_with
        progress.end(CLOUD)
        progress.begin(SYNTH)
        progress.end(SYNTH)
        progress.begin(DEPLOY)
        progress.end(DEPLOY)
        self.now = CloudStatus.UP
        return self.variables()

    def is_like(self, request: CloudRequest) -> bool:
        """Return whether the options are those of the running one, or none."""
        return request.asked in (CloudRequest().asked, self.asked)

    def down(self) -> bool:
        """Stop."""
        self.calls.append("down")
        was_there = self.now is not CloudStatus.DOWN
        self.now = CloudStatus.DOWN
        return was_there

    def env_file(self) -> Path:
        """Return the path from the project's root."""
        return Path(".cutout/local.env")

    def variables(self) -> Mapping[str, str]:
        """Return made-up variables."""
        return {
            "AWS_ENDPOINT_URL": "https://127.0.0.1:4711",
            "AWS_CA_BUNDLE": "/made/up/ca.pem",
            "AWS_ACCESS_KEY_ID": "AKIAMADEUP",
            "AWS_SECRET_ACCESS_KEY": "made-up",
            "AWS_REGION": "us-east-1",
            "CUTOUT_UPLOADS_BUCKET": UPLOADS,
            "CUTOUT_RESULTS_BUCKET": RESULTS,
            "CUTOUT_JOBS_TABLE": "the-jobs",
            "CUTOUT_EVOLINK_CONTROL_TOKEN": self.control_token,
            "CUTOUT_EVOLINK_URL": self.evolink_url,
        }
