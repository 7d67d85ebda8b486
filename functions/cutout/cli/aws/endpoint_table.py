"""botocore's table of endpoints, whose 1.2 MB take long to read, for the services that need it."""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from botocore.loaders import Loader
from botocore.session import Session

from cutout.wiring.aws_clients import ModelFiles

_TABLE = os.path.join(Loader.BUILTIN_DATA_PATH, "endpoints")  # noqa: PTH118 - botocore's own text
_USUAL_SERVICES = frozenset({"cloudformation", "dynamodb"})
_FIPS, _DUAL_STACK = "use_fips_endpoint", "use_dualstack_endpoint"


class ModelsAndTable(ModelFiles):
    """Reads models, and the table when a client needs it.

    botocore asks it for each client's endpoint, though the service's rule set decides on that. Of
    CloudFormation and DynamoDB it says nothing special in the regions that the partitions' patterns
    name, so that the short list of partitions says the same. Of others it does, as of S3 in
    us-east-1, and of other regions, such as `aws-global`, and of FIPS and dual-stack endpoints.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._table = _LateTable(lambda: ModelFiles.load_file(self, _TABLE))

    def load_file(self, file_path: str) -> Any:  # noqa: ANN401 - JSON
        """The content of a file whose name is given without its suffix; None if there is none."""
        return self._table if file_path == _TABLE else super().load_file(file_path)

    @contextmanager
    def making(self, service: str) -> Iterator[None]:
        """Have the table say what the client of this service needs, while the context lasts."""
        self._session.get_credentials()  # may make clients of other services
        self._table.short = self._partitions() if service in _USUAL_SERVICES else []
        try:
            yield
        finally:
            self._table.short = []

    def _partitions(self) -> list[dict[str, Any]]:
        """The partitions as the table has them; none if the table itself is needed."""
        variable = self._session.get_config_variable
        listed = self._session.get_component("data_loader").load_data("partitions")["partitions"]
        is_named = any(re.match(one["regionRegex"], variable("region") or "") for one in listed)
        if not is_named or variable(_FIPS) or variable(_DUAL_STACK):
            return []
        return [_row(one) for one in listed]


class _LateTable(dict[str, Any]):
    """The table; `short` are the partitions that it has instead of its own, if there are any."""

    def __init__(self, read: Callable[[], Any]) -> None:
        super().__init__(partitions=[])
        self._read = cache(read)
        self.short: list[dict[str, Any]] = []

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - JSON
        return self.short or self._read()[name]


def _row(partition: dict[str, Any]) -> dict[str, Any]:
    return {
        "partition": partition["id"],
        "dnsSuffix": partition["outputs"]["dnsSuffix"],
        "regionRegex": partition["regionRegex"],
        "regions": {},
        "services": {},
        "defaults": {
            "hostname": "{service}.{region}.{dnsSuffix}",
            "protocols": ["https"],
            "signatureVersions": ["v4"],
        },
    }
