"""``python -m cutout.local.evolink``: run the stand-in by hand."""

from cutout.local.evolink.command import main

main(prog_name="python -m cutout.local.evolink")
