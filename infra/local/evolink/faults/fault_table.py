"""All faults that the stand-in can commit on demand."""

from difflib import get_close_matches

from infra.local.evolink.faults.callback_faults import CALLBACK_FAULTS
from infra.local.evolink.faults.create_faults import LOST_ANSWERS, REFUSED_REQUESTS
from infra.local.evolink.faults.fault import Fault
from infra.local.evolink.faults.file_faults import DOWNLOAD_FAULTS, UPLOAD_FAULTS
from infra.local.evolink.faults.read_faults import READ_FAULTS
from infra.local.evolink.faults.result_faults import RESULT_FAULTS
from infra.local.evolink.faults.task_faults import TASK_FAULTS

ALL_FAULTS: tuple[Fault[object], ...] = (
    *REFUSED_REQUESTS.values(),
    *LOST_ANSWERS.values(),
    *TASK_FAULTS.values(),
    *READ_FAULTS.values(),
    *CALLBACK_FAULTS.values(),
    *RESULT_FAULTS.values(),
    *UPLOAD_FAULTS.values(),
    *DOWNLOAD_FAULTS.values(),
)
_BY_NAME = {(fault.where, fault.name): fault for fault in ALL_FAULTS}


def find_fault(where: str, name: str) -> Fault[object]:
    """Return the fault of that name.

    Raises:
        LookupError: There is no such fault.
    """
    try:
        return _BY_NAME[where, name]
    except KeyError:
        known = [f"{fault.where}:{fault.name}" for fault in ALL_FAULTS]
        near = get_close_matches(f"{where}:{name}", known, n=1)
        hint = "".join(f": did you mean {one}?" for one in near)
        raise LookupError(f"no fault {name!r} at {where!r}{hint}") from None
