"""A port is small: what one use case asks of it is read at a glance."""

from importlib import import_module
from pathlib import Path
from typing import Protocol

import cutout.ports

MOST_METHODS = 5


def test_ports_have_five_methods_at_most() -> None:
    """A larger one is split in the words of its use cases."""
    names = [path.stem for path in Path(cutout.ports.__path__[0]).glob("[!_]*.py")]
    modules = [import_module(f"cutout.ports.{name}") for name in names]
    ports = [one for module in modules for one in vars(module).values() if _is_port(one)]
    methods = {
        one.__name__: [name for name in vars(one) if not name.startswith("_")] for one in ports
    }
    assert "Uploads" in methods
    assert {name: own for name, own in methods.items() if len(own) > MOST_METHODS} == {}


def _is_port(one: object) -> bool:
    """Protocols that only join others have no methods of their own."""
    return isinstance(one, type) and Protocol in one.__bases__
