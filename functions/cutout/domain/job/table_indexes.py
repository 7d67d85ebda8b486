"""Indexes of the jobs table, by which jobs are found other than by their id."""

from __future__ import annotations

from types import MappingProxyType

INDEXES = MappingProxyType(
    {
        "due": ("due_shard", "due_at", "N"),
        "lane": ("lane", "lane_at", "N"),
        "source": ("source_ref", "sequencer", "S"),
        "state": ("state", "updated_at", "N"),
    }
)
"""By name: the attributes of the partition key and of the sort key, and DynamoDB's letter for the
type of the sort key. They project keys only."""
