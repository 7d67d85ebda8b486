"""botocore without what it imports and few commands use: a tenth of a short command.

The functions' assets leave some of it out; see `infra/assets/dependencies.py`.
"""

import sys
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from threading import RLock
from types import ModuleType
from typing import Self

_SELDOM_USED = (
    "configparser",  # for profiles
    "email.header",  # for headers with other characters than ASCII
    "mimetypes",
    "shutil",  # imports compression
    "traceback",
    "jmespath",  # for paginators and waiters
    "urllib3.http2",  # looks for installed packages
    "botocore.docs",  # parses HTML
    "botocore.monitoring",
    "botocore.retries.adaptive",
)
_running = RLock()


class NoText(str):
    """Takes the place of a method's documentation, which botocore writes for `help()`."""

    __slots__ = ()

    def __new__(cls, *_: object, **_facts: object) -> Self:
        """Return the empty text."""
        return super().__new__(cls)


def lighten() -> None:
    """Leave it out of what is imported from now on."""
    for name in _SELDOM_USED:
        postpone(name)
    docstrings = ModuleType("botocore.docs.docstring")
    for name in ("ClientMethod", "Paginator", "Waiter", "LazyLoaded"):
        setattr(docstrings, f"{name}Docstring", NoText)
    sys.modules.setdefault(docstrings.__name__, docstrings)


def postpone(name: str) -> None:
    """Have a module run when something in it is asked for, apart from modules inside it."""
    outer = find_spec(package) if (package := name.rpartition(".")[0]) else None
    found = PathFinder.find_spec(name, outer.submodule_search_locations if outer else None)
    if found is None or found.loader is None:
        return  # another version of the package
    module, inside = module_from_spec(found), found.submodule_search_locations
    to_run = [found.loader.exec_module]

    def ask(wanted: str) -> object:
        is_module = inside and PathFinder.find_spec(f"{name}.{wanted}", inside)
        with _running:  # other threads wait; the module itself may ask while it runs
            if to_run and not is_module:
                to_run.pop()(module)
        if wanted in vars(module):
            return vars(module)[wanted]
        raise AttributeError(wanted)  # Python imports a module inside then

    module.__getattr__ = ask  # type: ignore[method-assign] # https://peps.python.org/pep-0562/
    sys.modules.setdefault(name, module)
