"""Runs inside the measured process: imports a handler, gives it events, prints what they took.

    python -I -S probe.py FOLDER MODULE STARTED < events.json

It imports nothing before the handler that the interpreter has not imported itself.
"""

import sys
import time


def main(folder: str, module: str, started: float) -> None:
    """Measure. `started` is when the process was started, by the monotonic clock."""
    sys.path.insert(0, folder)
    handler = __import__(module, fromlist=["handler"]).handler
    ready = {"wall": time.monotonic() - started, "cpu": time.process_time(), "peak": peak_bytes()}

    import json  # noqa: PLC0415 - the handler may do without
    import resource  # noqa: PLC0415

    class Context:
        function_name = "measured"
        function_version = "1"
        memory_limit_in_mb = 256
        invoked_function_arn = "arn:aws:lambda:eu-central-1:123456789012:function:measured"
        aws_request_id = "52fdfc07-2182-454f-963f-5f0f9a621d72"

        def get_remaining_time_in_millis(self) -> int:
            return 100_000

    def cpu() -> float:
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return time.process_time() + children.ru_utime + children.ru_stime

    runs, answers = [], []
    for event in json.load(sys.stdin):
        wall, used = time.monotonic(), cpu()
        answers.append(handler(event, Context()))
        runs.append({"wall": time.monotonic() - wall, "cpu": cpu() - used, "peak": peak_bytes()})
    child_peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    sys.stdout.write(
        "\n"
        + json.dumps({"ready": ready, "runs": runs, "child peak": child_peak, "answers": answers})
    )


def peak_bytes() -> int:
    """Return the most memory that this process has had (Linux)."""
    with open("/proc/self/status") as status:  # noqa: PTH123 - pathlib is not imported yet
        (line,) = [one for one in status if one.startswith("VmHWM")]
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
