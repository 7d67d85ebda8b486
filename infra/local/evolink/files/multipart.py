"""Reading multipart/form-data, as far as the Files API needs it."""

import re
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser

_BOUNDARY = re.compile(r'boundary="?([^";]+)"?', re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part of a form: its bytes, and the file's name if it is a file."""

    file_name: str | None
    content: bytes


def parse_form(content_type: str, body: bytes) -> dict[str, Part]:
    """Return the parts of a form by name.

    Raises:
        ValueError: It is not valid multipart/form-data.
    """
    boundary = _BOUNDARY.search(content_type)
    if not content_type.lower().startswith("multipart/form-data") or boundary is None:
        raise ValueError("the body is not multipart/form-data")
    delimiter = b"\r\n--" + boundary[1].encode("latin-1")
    # The first delimiter may begin the body, without the line break of the others (RFC 2046,
    # 5.1.1).
    sections = (b"\r\n" + body).split(delimiter)[1:-1]
    return dict(_part(section) for section in sections)


def _part(section: bytes) -> tuple[str, Part]:
    head, _, content = section.partition(b"\r\n\r\n")
    headers = HeaderParser().parsestr(head.decode("utf-8", "replace").lstrip())
    name = _parameter(headers, "name")
    if name is None:
        raise ValueError("a part of the form has no name")
    return name, Part(file_name=_parameter(headers, "filename"), content=content)


def _parameter(headers: Message, name: str) -> str | None:
    value = headers.get_param(name, header="content-disposition")
    return value if isinstance(value, str) else None
