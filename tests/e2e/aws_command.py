"""The part of the AWS command line that the pages' examples use, told from the services' models.

Run as `aws SERVICE OPERATION --OPTION VALUE...`. An option or operation that the service does not
have is an error, as it is there.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import jmespath  # type: ignore[import-untyped]
from botocore import xform_name
from botocore.session import get_session

_OUTPUT = {"query", "output"}


def main(arguments: Sequence[str]) -> None:
    """Call the service, and print what of its answer was asked for."""
    service, operation, *rest = arguments
    client: Any = get_session().create_client(service)
    method = operation.replace("-", "_")
    model = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[method])
    options = dict(_options(rest))
    members = {
        xform_name(name, "-"): (name, shape) for name, shape in model.input_shape.members.items()
    }
    parameters = {
        members[option][0]: _read(members[option][1], words)
        for option, words in options.items()
        if option not in _OUTPUT
    }
    answer = getattr(client, method)(**parameters)
    answer.pop("ResponseMetadata")
    _tell(jmespath.search(" ".join(options.get("query", ["@"])), answer), options.get("output"))


def _options(words: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    found: list[str] = []
    for word in words:
        if word.startswith("--"):
            found = []
            yield word.removeprefix("--"), found
        else:
            found.append(word)


def _read(shape: Any, words: list[str]) -> Any:
    if shape.type_name == "boolean":
        return True
    if shape.type_name == "list" and not words[0].startswith("["):
        return [_read(shape.member, [word]) for word in words]
    (word,) = words
    text = Path(word.removeprefix("file://")).read_text() if word.startswith("file://") else word
    if shape.type_name == "string":
        return text
    if shape.type_name == "structure" and not text.startswith("{"):
        return dict(part.split("=", 1) for part in text.split(","))
    return json.loads(text)


def _tell(answer: Any, output: list[str] | None) -> None:
    if answer:
        text = str(answer) if output == ["text"] else json.dumps(answer, indent=4, default=str)
        sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
