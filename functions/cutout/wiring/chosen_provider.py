"""The provider that deployments use: another one is its folder in `adapters/`, named here.

All that others need of a provider is here. What may differ between two takes the settings of a
function, or its environment: a setting can choose.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cutout.adapters.evolink import (
    balance,
    file_store,
    final_codes,
    task_id_of_callback,
    tasks,
)

if TYPE_CHECKING:
    from cutout.adapters.evolink import Balance

__all__ = [
    "Balance",
    "balance",
    "file_store",
    "final_codes",
    "task_id_of_callback",
    "tasks",
]
