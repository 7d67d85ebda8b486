"""MiniStack that takes many objects in one request, so that filling a bucket does not take hours.

A PUT of the key `FILL` makes an object of one byte at each key that its body names, a line each,
written on a day long past. What lists and reads them later is MiniStack as it is.
"""

from __future__ import annotations

import sys
from typing import Any

from infra.local.ministack import serve

FILL = ".fill"
_LONG_AGO = "2026-01-01T00:00:00.000Z"


def main(arguments: list[str]) -> None:
    """Serve like the local cloud's MiniStack."""
    from ministack.services import s3  # noqa: PLC0415 - reads its environment

    put, now = s3._put_object, s3.now_iso  # noqa: SLF001

    def put_many(bucket: str, key: str, body: bytes, headers: dict[str, str]) -> Any:
        if key == FILL:
            s3.now_iso = lambda: _LONG_AGO
            for name in body.decode().splitlines():
                put(bucket, name, b"x", {})
            s3.now_iso = now
            return 200, {}, b""
        return put(bucket, key, body, headers)

    s3._put_object = put_many  # noqa: SLF001
    serve.main(*arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
