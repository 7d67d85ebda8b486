"""A rough day on the local cloud, in a quarter of an hour: what the pages' samples show.

Photos come in waves to a provider that loses answers and callbacks, fails tasks, finds the account
empty and answers 429. The events of two uploads are lost, a message cannot be read, and another
bucket has photos to backfill.

    cutout up -c monitoring=full -c max_in_flight=6 -c first_poll_seconds=20 \
        -c poll_interval_seconds=20 -c unconfirmed_grace_seconds=100 -c lease_seconds=60
    python -m tests.benchmarks.rough_day
    cutout dashboard --out .readme/dashboard.svg --last 18
    python -m tests.benchmarks.page_samples cutout
"""

from __future__ import annotations

import io
import json
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from cutout.cli import compose
from cutout.cli.aws.clients import TargetClients
from cutout.cli.aws.deployed_stack import connect
from cutout.cli.aws.target import Target
from cutout.cli.progress.clock import Clock
from infra.local.evolink.api.control_routes import CONTROL_TOKEN_HEADER
from infra.local.lifecycle import local_variables
from infra.local.place import shipped_photos

_WAVES = 14
_WAVE_SECONDS = 60.0
_OTHER_BUCKET = "shop-photos-2025"
_BROKE, _RICH, _HASTY, _PUZZLING = 5, 7, 10, 11
"""The waves in which the account is empty and full again, 429 comes, and so does the message."""
_FAULTS: tuple[tuple[str, str, str, Mapping[str, float]], ...] = (
    ("callback", "lost", "shop/lost", {}),
    ("task", "moderated", "people/", {}),
    ("create", "accept-then-reset", "shop/reset", {}),
    ("create", "accept-then-timeout", "odd/vanish", {"times": 1}),
    ("callback", "lost", "odd/vanish", {}),
    ("task", "failed", "shop/busy", {"times": 3}),
    ("task", "failed", "shop/broken", {}),
    ("result", "opaque", "odd/opaque", {}),
    ("result", "404", "odd/late", {"times": 2}),
    ("task", "slow", "shop/slow", {"seconds": 50}),
)


class Day:
    """The local cloud of this checkout, and the stand-in's control plane."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._target = Target(stack=variables["CUTOUT_STACK"], variables=variables)
        clients = TargetClients(self._target)
        self._s3, self._sqs = clients.client("s3"), clients.client("sqs")
        self._events = clients.client("events")
        self._bucket = variables["CUTOUT_UPLOADS_BUCKET"]
        self._evolink = variables["CUTOUT_EVOLINK_URL"]
        self._token = variables["CUTOUT_EVOLINK_CONTROL_TOKEN"]
        self._sent = 0

    def begin(self) -> None:
        """Have the provider commit its faults."""
        for where, fault, key, options in _FAULTS:
            self.commit(where, fault, key, **options)

    def commit(self, where: str, fault: str, key: str, **options: float) -> None:
        """Have it commit a fault on photos whose key begins so."""
        rule = {"where": where, "fault": fault, "match": f"/{self._bucket}/{key}", **options}
        self._ask("/_standin/faults", rule)

    def set_balance(self, credits_: float) -> None:
        """Leave so many credits in the account."""
        self._ask("/_standin/account", {"balance": credits_})

    def resume(self) -> None:
        """Do what a person does who has topped the account up."""
        compose.control(connect(self._target, Clock())).resume()

    def upload(self, key: str) -> None:
        """Upload a photo, each of other bytes: the same picture is paid for once."""
        body = _photo(self._sent) if key.startswith(("shop", "odd", "people")) else b"a text"
        self._sent += 1
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType="image/jpeg")

    def lose_events(self, *keys: str) -> None:
        """Upload photos while the rule that watches the bucket is off."""
        rules = self._events.list_rules()["Rules"]
        [rule] = [one["Name"] for one in rules if "UploadEvents" in one["Name"]]
        self._events.disable_rule(Name=rule)
        for key in keys:
            self.upload(key)
        self._events.enable_rule(Name=rule)

    def fill_another_bucket(self) -> None:
        """Put photos, folder markers and an empty object where nothing watches."""
        self._s3.create_bucket(Bucket=_OTHER_BUCKET)
        for number in range(40):
            self._s3.put_object(
                Bucket=_OTHER_BUCKET, Key=f"2025/{number}.jpg", Body=_photo(number % 20)
            )
        for key in ("2025/", "2025/shoes/", "2025/empty.jpg"):
            self._s3.put_object(Bucket=_OTHER_BUCKET, Key=key, Body=b"")

    def puzzle(self) -> None:
        """Leave a message among the dead letters of submissions."""
        urls = self._sqs.list_queues()["QueueUrls"]
        [url] = [one for one in urls if "SubmissionsDeadLetters" in one]
        self._sqs.send_message(QueueUrl=url, MessageBody="an odd message")

    def _ask(self, path: str, document: Any) -> None:
        body = json.dumps(document).encode()
        headers = {CONTROL_TOKEN_HEADER: self._token}
        address = self._evolink + path
        request = urllib.request.Request(address, body, headers, method="POST")  # noqa: S310 - http
        urllib.request.urlopen(request, timeout=30).close()  # noqa: S310 - http


def keys_of(wave: int) -> Iterator[str]:
    """Name what is uploaded in a wave."""
    names = ["shop/shoe", "shop/bag", "shop/lamp", "shop/chair"]
    names += ["shop/slow"] if wave % 3 == 0 else []
    names += ["shop/lost", "shop/busy"] if wave in {2, 5, 9} else []
    names += ["shop/broken"] if wave in {2, 9} else []
    names += ["people/portrait"] if wave in {3, 6, 7, 8} else []
    names += ["shop/reset"] if wave in {1, 6} else []
    names += ["notes/readme", "notes/list"] if wave == 3 else []
    names += ["odd/vanish", "odd/opaque", "odd/late"] if wave == 4 else []
    return (f"{name}-{wave}.jpg" for name in names)


def main() -> None:
    """Have the day pass."""
    variables = local_variables(Path.cwd())
    if variables is None:
        raise SystemExit("Start a local cloud first: see the top of this file.")
    day = Day(variables)
    day.begin()
    day.fill_another_bucket()
    day.lose_events("shop/bag-lost.jpg", "shop/shoe-lost.jpg")
    for wave in range(_WAVES):
        for key in keys_of(wave):
            day.upload(key)
        if wave in {_BROKE, _RICH}:
            day.set_balance(0 if wave == _BROKE else 9000)
        if wave == _RICH:
            day.resume()
        if wave == _HASTY:
            day.commit("create", "429", "shop/", times=2, retry_after=45)
        if wave == _PUZZLING:
            day.puzzle()
        time.sleep(_WAVE_SECONDS)


def _photo(number: int) -> bytes:
    photos = shipped_photos()
    file = io.BytesIO()
    with Image.open(photos[number % len(photos)]) as picture:
        small = picture.convert("RGB").crop((number, 0, picture.width, picture.height))
    small.thumbnail((480, 480))
    small.save(file, "JPEG")
    return file.getvalue()


if __name__ == "__main__":
    main()
