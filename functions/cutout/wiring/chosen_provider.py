"""The provider that deployments use: another one is its folder in `adapters/`, named here.

All that others need of a provider is here. What may differ between two takes the settings of a
function, or its environment: a setting can choose.
"""

from __future__ import annotations

from cutout.adapters.evolink import balance, file_store, task_id_of_callback, tasks, terms

__all__ = ["balance", "file_store", "task_id_of_callback", "tasks", "terms"]
