"""Names of the events that the functions send to the event bus; `events/schema` describes them."""

from __future__ import annotations

SOURCE = "cutout"
COMPLETED = "Cutout Completed"
FAILED = "Cutout Failed"
"""The job failed, was rejected, or needs review; `detail.state` says which."""
