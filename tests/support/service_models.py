"""Answers of AWS are compared with the SDK's own description of the service.

The SDK checks each request before it sends it, and no answer. So an emulator, a stub or an event
handler of a test could answer with what AWS never says, and the product would be tested on that.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.loaders import JSONFileLoader, Loader
from botocore.model import OperationModel, StructureShape
from botocore.session import Session
from botocore.validate import ParamValidator, ValidationErrors

_ERROR_STATUS = 300
_OF_THE_SDK = {"ResponseMetadata", "Expires", "ExpiresString"}
"""What it adds, or reads out of any text that S3 keeps."""
_JSON = {"TemplateBody", "AssumeRolePolicyDocument", "PolicyDocument", "Document"}
"""Texts that the SDK decodes before we see them."""
_BOUNDS = {"invalid range", "invalid length"}
"""Bounds are a request's: DynamoDB itself answers with 0 where a request names 1 at least."""


class NotInTheModelError(AssertionError):
    """An answer with an unknown member, one of another type, or without a required one."""


def check_answers(session: Session) -> None:
    """Check every answer that a client of this session gets."""
    session.register("after-call", _check)


def share_models(session: Session) -> None:
    """Find and read a description of a service once for all sessions of this process."""
    session.register_component("data_loader", _SharedModels(file_loader=_ReadOnce()))


class _SharedModels(Loader):
    def list_available_services(self, type_name: str) -> list[str]:
        """List all services; botocore looks into the folder of each."""
        return _services(type_name, tuple(self.search_paths))


class _ReadOnce(JSONFileLoader):
    def load_file(self, file_path: str) -> Any:
        """Return the content of a file whose name is given without its suffix."""
        return _read(file_path)


@cache
def _services(type_name: str, folders: tuple[str, ...]) -> list[str]:
    loader = Loader(extra_search_paths=list(folders), include_default_search_paths=False)
    return loader.list_available_services(type_name)


@cache
def _read(file_path: str) -> Any:
    return JSONFileLoader().load_file(file_path)


def _check(**answered: Any) -> None:
    http_response: AWSResponse = answered["http_response"]
    parsed: Mapping[str, Any] = answered["parsed"]
    model: OperationModel = answered["model"]
    if http_response.status_code >= _ERROR_STATUS:
        return
    shape = model.output_shape or StructureShape("Nothing", {"type": "structure", "members": {}})
    answer = {name: value for name, value in parsed.items() if name not in _OF_THE_SDK}
    found = _Findings()
    validator: Any = ParamValidator()
    validator._validate(answer, shape, found, name="")  # noqa: SLF001 - takes our list
    if found.has_errors():
        raise NotInTheModelError(f"{model.name}: {found.generate_report()}")


class _Findings(ValidationErrors):
    def report(self, name: str, reason: str, **details: Any) -> None:
        """Keep a finding, unless it is about bounds or what the SDK has made of a text."""
        is_decoded = reason == "invalid type" and name.rpartition(".")[2] in _JSON
        if reason not in _BOUNDS and not is_decoded:
            super().report(name, reason, **details)
