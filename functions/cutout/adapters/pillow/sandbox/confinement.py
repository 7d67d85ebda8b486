"""Blocks system calls of the decoding process: the network, other programs, new process groups.

A decoder needs none of them. A compromised one could otherwise reach the runtime's API on loopback,
or survive its time-out in another process group.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from typing import Final

# seccomp(2), and linux/filter.h for the instructions of the filter.
_PR_SET_SECCOMP: Final = 22
_PR_SET_NO_NEW_PRIVS: Final = 38
_MODE_FILTER: Final = 2
_LOAD, _IS_EQUAL, _IS_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER_AT, _ARCHITECTURE_AT = 0, 4
_ALLOW, _KILL, _REFUSE = 0x7FFF0000, 0x80000000, 0x00050001
"""Refused calls fail with EPERM."""
_X32 = 0x40000000  # from here on, call numbers belong to the x32 ABI
_ARCHITECTURES: Final = {
    # machine: AUDIT_ARCH of linux/audit.h, and its numbers of
    # socket, io_uring_setup (which opens sockets, too), setsid, setpgid, execve and execveat
    "x86_64": (0xC000003E, (41, 425, 112, 109, 59, 322)),
    "aarch64": (0xC00000B7, (198, 425, 157, 154, 221, 281)),
}

_Instruction = tuple[int, int, int, int]


class _Filter(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_ushort),
        ("if_true", ctypes.c_ubyte),
        ("if_false", ctypes.c_ubyte),
        ("value", ctypes.c_uint32),
    )


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filters", ctypes.POINTER(_Filter)))


def confine_this_process() -> bool:
    """Block these calls, irrevocably, here and in children; False if the kernel cannot."""
    machine = os.uname().machine
    if os.uname().sysname != "Linux" or machine not in _ARCHITECTURES:
        return False
    instructions = list(_instructions(*_ARCHITECTURES[machine]))
    filters = (_Filter * len(instructions))(*(_Filter(*one) for one in instructions))
    program = _Program(len(instructions), filters)
    prctl = ctypes.CDLL(None).prctl
    # Without it, the kernel lets only root set a filter.
    prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    refused: int = prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program), 0, 0)
    return refused == 0


def _instructions(architecture: int, calls: tuple[int, ...]) -> Iterator[_Instruction]:
    """The filter; a jump holds how many instructions to skip if it is true, and if it is false."""
    yield _LOAD, 0, 0, _ARCHITECTURE_AT
    # The same numbers are other calls for a program of another architecture.
    yield _IS_EQUAL, 1, 0, architecture
    yield _RETURN, 0, 0, _KILL
    yield _LOAD, 0, 0, _NUMBER_AT
    yield _IS_AT_LEAST, 0, 1, _X32
    yield _RETURN, 0, 0, _KILL
    for number in calls:
        yield _IS_EQUAL, 0, 1, number
        yield _RETURN, 0, 0, _REFUSE
    yield _RETURN, 0, 0, _ALLOW
