"""``python -m infra.local.evolink``: run the stand-in by hand."""

from infra.local.evolink.command_line import main

main(prog_name="python -m infra.local.evolink")
