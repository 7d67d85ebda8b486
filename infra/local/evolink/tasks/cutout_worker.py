"""A few threads that make cut-outs, one for each different photo."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

from PIL import Image

from infra.local.evolink.background_removal import encode_png, remove_background
from infra.local.evolink.database import Blobs
from infra.local.evolink.tasks.input_photo import FORMATS, InputPhoto, unreadable


class CutoutWorker:
    """Makes cut-outs and stores them; equal photos share one."""

    def __init__(self, blobs: Blobs, threads: int) -> None:
        self._blobs = blobs
        self._threads = ThreadPoolExecutor(threads, "evolink-cutting")
        self._cuts: dict[str, asyncio.Task[str]] = {}

    async def cut_out(self, photo: InputPhoto) -> str:
        """Return the SHA-256 of the photo's cut-out.

        Raises:
            UnusableInputError: The photo is damaged.
        """
        if photo.sha256 not in self._cuts:
            self._cuts[photo.sha256] = asyncio.create_task(self._store(photo.content))
        # Another task may wait for the same cut-out: an interrupted one must not cancel it.
        return await asyncio.shield(self._cuts[photo.sha256])

    async def close(self) -> None:
        """Finish the running cut-outs and start no others."""
        for cut in self._cuts.values():
            cut.cancel()
        await asyncio.gather(*self._cuts.values(), return_exceptions=True)
        self._threads.shutdown(cancel_futures=True)

    async def _store(self, content: bytes) -> str:
        loop = asyncio.get_running_loop()
        return self._blobs.put(await loop.run_in_executor(self._threads, _cut_out, content))


def _cut_out(content: bytes) -> bytes:
    """Return the cut-out of a photo as a PNG.

    Raises:
        UnusableInputError: The photo is damaged.
    """
    try:
        with Image.open(BytesIO(content), formats=FORMATS) as photo:
            return encode_png(remove_background(photo))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise unreadable(f"The image is damaged: {error}") from error
