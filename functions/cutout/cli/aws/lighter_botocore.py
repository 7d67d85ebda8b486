"""botocore without two parts that it imports and no command uses: a tenth of a short command.

The functions' assets leave out the same parts; see `infra/assets/dependencies.py`.
"""

import sys
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Self


class NoText(str):
    """Takes the place of a method's documentation, which botocore writes for `help()`."""

    __slots__ = ()

    def __new__(cls, *_: object, **_facts: object) -> Self:
        """Return the empty text."""
        return super().__new__(cls)


def lighten() -> None:
    """Leave the parts out of what is imported from now on."""
    _postpone("urllib3", "http2")  # looks for installed packages
    _postpone("botocore", "docs")  # parses HTML
    docstrings = ModuleType("botocore.docs.docstring")
    for name in ("ClientMethod", "Paginator", "Waiter", "LazyLoaded"):
        setattr(docstrings, f"{name}Docstring", NoText)
    sys.modules.setdefault(docstrings.__name__, docstrings)


def _postpone(package: str, name: str) -> None:
    """Have a package inside another run its `__init__` when something in it is asked for."""
    outer = find_spec(package)
    places = outer.submodule_search_locations if outer else None
    found = PathFinder.find_spec(f"{package}.{name}", places)
    if found is None or found.loader is None:
        return  # another version
    loader, module = found.loader, module_from_spec(found)

    def ask(wanted: str) -> object:
        if PathFinder.find_spec(f"{found.name}.{wanted}", module.__path__):
            raise AttributeError(wanted)  # a module of the package, which Python imports then
        del module.__getattr__
        loader.exec_module(module)
        return getattr(module, wanted)

    module.__getattr__ = ask  # type: ignore[method-assign] # https://peps.python.org/pep-0562/
    sys.modules.setdefault(found.name, module)
