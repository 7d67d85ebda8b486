"""The workshop: a few threads that cut photos out, each photo once."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import cv2
from PIL import Image

from infra.local.evolink.cutting.background import encode_png, remove_background
from infra.local.evolink.database import Blobs
from infra.local.evolink.tasks.input_photo import FORMATS, Input, unreadable


class Workshop:
    """Makes cut-outs and keeps them; equal photos share one."""

    def __init__(self, blobs: Blobs, workers: int) -> None:
        self._blobs = blobs
        # OpenCV would take every core for each worker; the machine has other things to do.
        self._workers = ThreadPoolExecutor(
            workers, "evolink-cutting", initializer=cv2.setNumThreads, initargs=(1,)
        )
        self._cuts: dict[str, asyncio.Task[str]] = {}

    async def cut(self, photo: Input) -> str:
        """Return the SHA-256 of the photo's cut-out.

        Raises:
            UnusableInputError: The photo is damaged.
        """
        if photo.sha256 not in self._cuts:
            self._cuts[photo.sha256] = asyncio.create_task(self._work(photo.content))
        return await asyncio.shield(self._cuts[photo.sha256])

    async def close(self) -> None:
        """Finish what is being cut and start no more."""
        for cut in self._cuts.values():
            cut.cancel()
        await asyncio.gather(*self._cuts.values(), return_exceptions=True)
        self._workers.shutdown(cancel_futures=True)

    async def _work(self, content: bytes) -> str:
        loop = asyncio.get_running_loop()
        return self._blobs.put(await loop.run_in_executor(self._workers, cut_out, content))


def cut_out(content: bytes) -> bytes:
    """Return the cut-out of a photo as a PNG.

    Raises:
        UnusableInputError: The photo is damaged.
    """
    try:
        with Image.open(BytesIO(content), formats=FORMATS) as photo:
            return encode_png(remove_background(photo))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise unreadable(f"The image is damaged: {error}") from error
