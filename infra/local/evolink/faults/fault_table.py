"""Every fault the stand-in can commit on demand, in one table."""

from enum import Enum, StrEnum


class Stage(StrEnum):
    """The occasion on which a fault is committed."""

    CREATE = "a request to create a task"
    OUTCOME = "a task, decided when it is created"
    READ = "a read of a task"
    TELL = "the callback of a task, decided when it is created"
    RESULT = "a download of a result"
    UPLOAD = "an upload to the Files API"
    SERVE = "a download of an uploaded file"


class Fault(Enum):
    """A way to go wrong: where, its name there, the occasion, and what happens."""

    CREATE_400 = ("create", "400", Stage.CREATE, "Refused as an invalid request.")
    CREATE_401 = ("create", "401", Stage.CREATE, "Refused as if the key were unknown.")
    CREATE_402 = ("create", "402", Stage.CREATE, "Refused as if the account were empty.")
    CREATE_403 = ("create", "403", Stage.CREATE, "Refused as if the key lacked the model.")
    CREATE_404 = ("create", "404", Stage.CREATE, "Refused as if the path did not exist.")
    CREATE_409 = ("create", "409", Stage.CREATE, "Refused: an equal key is still undecided.")
    CREATE_413 = ("create", "413", Stage.CREATE, "Refused as too large.")
    CREATE_422 = ("create", "422", Stage.CREATE, "Refused as unprocessable.")
    CREATE_429 = ("create", "429", Stage.CREATE, "Refused as too fast; retry_after is obeyed.")
    CREATE_500 = ("create", "500", Stage.CREATE, "Answered 500; nothing was accepted.")
    CREATE_502 = ("create", "502", Stage.CREATE, "Answered 502 in HTML; nothing was accepted.")
    CREATE_503 = ("create", "503", Stage.CREATE, "Answered 503 in HTML; nothing was accepted.")
    CREATE_PAGE_403 = ("create", "403-page", Stage.CREATE, "A CDN's page; nothing was accepted.")
    CREATE_INTEGER_CODE = (
        "create",
        "integer-code",
        Stage.CREATE,
        "Refused in the second dialect: an integer code and a suggestion (status, default 503).",
    )
    CREATE_CAPACITY_AS_400 = (
        "create",
        "capacity-as-400",
        Stage.CREATE,
        "Refused with 400 though its text says that no capacity is left.",
    )
    CREATE_RESET = (
        "create",
        "reset-before-accept",
        Stage.CREATE,
        "The connection is reset and nothing was accepted.",
    )
    CREATE_SLOW = ("create", "slow", Stage.CREATE, "Accepted and answered late (seconds).")
    CREATE_ACCEPT_TIMEOUT = (
        "create",
        "accept-then-timeout",
        Stage.CREATE,
        "The task is created and charged, and the answer never comes.",
    )
    CREATE_ACCEPT_RESET = (
        "create",
        "accept-then-reset",
        Stage.CREATE,
        "The task is created and charged, and the connection is reset.",
    )
    CREATE_ACCEPT_500 = (
        "create",
        "accept-then-500",
        Stage.CREATE,
        "The task is created and charged, and the answer is 500.",
    )
    CREATE_ACCEPT_PAGE_403 = (
        "create",
        "accept-then-403-page",
        Stage.CREATE,
        "The task is created and charged, and a proxy's page replaces the answer.",
    )
    CREATE_INVALID_JSON = (
        "create",
        "invalid-json",
        Stage.CREATE,
        "The task is created and charged, and the 200 is no JSON.",
    )
    CREATE_NO_ID = (
        "create",
        "no-id",
        Stage.CREATE,
        "The task is created and charged, and the 200 names no id.",
    )

    TASK_FAILED = (
        "task",
        "failed",
        Stage.OUTCOME,
        "The task fails with code and message (default service_error).",
    )
    TASK_MODERATED = (
        "task",
        "moderated",
        Stage.OUTCOME,
        "The task fails with content_policy_violation and is charged all the same.",
    )
    TASK_UNREACHABLE = (
        "task",
        "unreachable-input",
        Stage.OUTCOME,
        "It fails with image_processing_error, unfetched; uploaded files are spared.",
    )
    TASK_CANCELLED = ("task", "cancelled", Stage.OUTCOME, "The task ends as cancelled.")
    TASK_CANCELED = ("task", "canceled", Stage.OUTCOME, "The task ends as canceled, one l.")
    TASK_NO_LINKS = ("task", "no-links", Stage.OUTCOME, "The task completes without any link.")
    TASK_LATE_LINKS = (
        "task",
        "late-links",
        Stage.OUTCOME,
        "The task completes, and its link appears later (seconds, default 60).",
    )
    TASK_RESULT_DATA = (
        "task",
        "result-data-only",
        Stage.OUTCOME,
        "The task completes with its link in result_data only.",
    )
    TASK_SEVERAL = ("task", "several-links", Stage.OUTCOME, "The task completes with two links.")
    TASK_UNKNOWN = (
        "task",
        "unknown-status",
        Stage.OUTCOME,
        "The task ends in a status nobody documented (message, default archived).",
    )
    TASK_STUCK = ("task", "stuck", Stage.OUTCOME, "The task processes for ever.")
    TASK_SLOW = ("task", "slow", Stage.OUTCOME, "The task takes longer (seconds, default 60).")
    READ_401 = ("task", "401-on-read", Stage.READ, "The read is refused: unknown key.")
    READ_402 = ("task", "402-on-read", Stage.READ, "The read is refused: quota_exceeded.")
    READ_403 = ("task", "403-on-read", Stage.READ, "The read is refused: someone else's task.")
    READ_404 = ("task", "404-on-read", Stage.READ, "The read does not find the task.")
    READ_EXPIRED = ("task", "expired-on-read", Stage.READ, "The read says: record expired.")
    READ_429 = ("task", "429-on-read", Stage.READ, "The read is refused as too fast.")
    READ_500 = ("task", "500-on-read", Stage.READ, "The read is answered 500.")
    READ_502 = ("task", "502-on-read", Stage.READ, "The read is answered 502 in HTML.")
    READ_INVALID_JSON = ("task", "invalid-json-on-read", Stage.READ, "The 200 is no JSON.")
    READ_WRAPPED = ("task", "wrapped-on-read", Stage.READ, "The task is inside a data member.")
    READ_OTHER_TASK = ("task", "other-task-on-read", Stage.READ, "The 200 is about another task.")
    READ_LOOSE = (
        "task",
        "loose-on-read",
        Stage.READ,
        "The status in capitals, results as one link, a Content-Type of text.",
    )
    READ_RESET = ("task", "reset-on-read", Stage.READ, "The connection is reset.")
    READ_TIMEOUT = ("task", "timeout-on-read", Stage.READ, "The answer never comes.")

    CALLBACK_LOST = ("callback", "lost", Stage.TELL, "The callback is never sent.")
    CALLBACK_DOUBLED = ("callback", "doubled", Stage.TELL, "The callback is delivered twice.")
    CALLBACK_EARLY = (
        "callback",
        "early",
        Stage.TELL,
        "The task ends and its callback is sent before the create request is answered.",
    )
    CALLBACK_LATE = ("callback", "late", Stage.TELL, "It comes later (seconds, default 60).")
    CALLBACK_GARBAGE = ("callback", "garbage", Stage.TELL, "The body is no JSON.")
    CALLBACK_EMPTY = ("callback", "empty", Stage.TELL, "The body has no bytes.")
    CALLBACK_NO_ID = ("callback", "no-id", Stage.TELL, "The body's id is a list.")
    CALLBACK_HUGE = ("callback", "huge", Stage.TELL, "The body is padded to a megabyte.")
    CALLBACK_OTHER_TASK = (
        "callback",
        "other-task",
        Stage.TELL,
        "The body names a task id that does not exist (message chooses another).",
    )
    CALLBACK_SAYS_FAILED = (
        "callback",
        "says-failed",
        Stage.TELL,
        "The body says failed, whatever the task says.",
    )
    CALLBACK_SAYS_PROCESSING = (
        "callback",
        "says-processing",
        Stage.TELL,
        "The body says processing, though the task has ended.",
    )
    CALLBACK_SPARSE = (
        "callback",
        "sparse",
        Stage.TELL,
        "The body has nothing but id and status.",
    )
    CALLBACK_AFTER_FAILURE = (
        "callback",
        "after-failure",
        Stage.TELL,
        "Answers are taken for failures, so every documented retry is delivered too.",
    )

    RESULT_403 = ("result", "403", Stage.RESULT, "The link is forbidden.")
    RESULT_404 = ("result", "404", Stage.RESULT, "The link is not found.")
    RESULT_EXPIRED = ("result", "expired", Stage.RESULT, "The link is as after its 24 hours.")
    RESULT_500 = ("result", "500", Stage.RESULT, "The media host is answering 500.")
    RESULT_HTML = ("result", "html", Stage.RESULT, "A 200 with an HTML error page.")
    RESULT_TRUNCATED = (
        "result",
        "truncated",
        Stage.RESULT,
        "The connection ends after half of the bytes the header promised.",
    )
    RESULT_CUT_SHORT = (
        "result",
        "cut-short",
        Stage.RESULT,
        "Half of the picture with a header that agrees.",
    )
    RESULT_REDIRECT = (
        "result",
        "redirect",
        Stage.RESULT,
        "A redirect to the same picture, as a media host may do.",
    )
    RESULT_REDIRECT_LOOP = ("result", "redirect-loop", Stage.RESULT, "A redirect to itself.")
    RESULT_REDIRECT_PRIVATE = (
        "result",
        "redirect-private",
        Stage.RESULT,
        "A redirect to a private address (message, default https://10.0.0.1/).",
    )
    RESULT_REDIRECT_HTTP = (
        "result",
        "redirect-http",
        Stage.RESULT,
        "A redirect to plain http on a public name.",
    )
    RESULT_DECLARES_HUGE = (
        "result",
        "declares-huge",
        Stage.RESULT,
        "The header promises five gigabytes.",
    )
    RESULT_STREAMS_HUGE = (
        "result",
        "streams-huge",
        Stage.RESULT,
        "Bytes without a declared length and without an end (up to 1 GiB).",
    )
    RESULT_BOMB = (
        "result",
        "bomb",
        Stage.RESULT,
        "A small PNG of 30000x30000 pixels.",
    )
    RESULT_OPAQUE = ("result", "opaque", Stage.RESULT, "A PNG without any transparency.")
    RESULT_EMPTY = ("result", "empty", Stage.RESULT, "A PNG that is transparent all over.")
    RESULT_NO_ALPHA = ("result", "no-alpha", Stage.RESULT, "A PNG without an alpha channel.")
    RESULT_OTHER_SHAPE = (
        "result",
        "other-shape",
        Stage.RESULT,
        "A cut-out of another aspect ratio.",
    )
    RESULT_OTHER_SIZE = (
        "result",
        "other-size",
        Stage.RESULT,
        "A cut-out of half the size and the same aspect ratio.",
    )
    RESULT_WEBP = ("result", "webp", Stage.RESULT, "A WebP with alpha under the .png name.")
    RESULT_NOT_IMAGE = ("result", "not-image", Stage.RESULT, "Bytes that are no picture.")
    RESULT_NO_BYTES = ("result", "no-bytes", Stage.RESULT, "A 200 with an empty body.")
    RESULT_202 = ("result", "202", Stage.RESULT, "A 202 with an empty body.")
    RESULT_GZIP = ("result", "gzip", Stage.RESULT, "The picture compressed, though nobody asked.")
    RESULT_SLOW = ("result", "slow", Stage.RESULT, "It starts late (seconds, default 60).")
    RESULT_DRIP = (
        "result",
        "drip",
        Stage.RESULT,
        "A hundred bytes at a time with a pause between (seconds, default 1).",
    )

    FILES_TOO_LARGE = ("files", "40001", Stage.UPLOAD, "The upload is refused as too large.")
    FILES_TYPE = ("files", "40002", Stage.UPLOAD, "The upload is refused for its type.")
    FILES_QUOTA = ("files", "40003", Stage.UPLOAD, "The upload is refused: quota used up.")
    FILES_FETCH = ("files", "40004", Stage.UPLOAD, "The upload's URL cannot be fetched.")
    FILES_STORAGE = ("files", "50001", Stage.UPLOAD, "The upload fails in the storage.")
    FILES_401 = ("files", "401", Stage.UPLOAD, "The upload is refused: unknown key.")
    FILES_429 = ("files", "429", Stage.UPLOAD, "The upload is refused as too fast.")
    FILES_502 = ("files", "502", Stage.UPLOAD, "The upload is answered 502 in HTML.")
    FILES_RESET = ("files", "reset", Stage.UPLOAD, "The connection is reset.")
    FILES_TIMEOUT = ("files", "timeout", Stage.UPLOAD, "The answer never comes.")
    FILES_GONE = ("files", "gone", Stage.SERVE, "An uploaded file is not found.")

    def __init__(self, where: str, label: str, stage: Stage, sentence: str) -> None:
        self.where = where
        self.label = label
        self.stage = stage
        self.sentence = sentence

    @classmethod
    def named(cls, where: str, label: str) -> "Fault":
        """Return the fault of that name.

        Raises:
            LookupError: There is none.
        """
        for fault in cls:
            if (fault.where, fault.label) == (where, label):
                return fault
        raise LookupError(f"no fault {label!r} at {where!r}")
