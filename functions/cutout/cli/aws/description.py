"""The stack as CloudFormation describes it: status, outputs, resources."""

import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Self

from botocore.exceptions import ClientError

from cutout.cli.aws.clients import TargetClients
from cutout.cli.output.problems import Problem
from cutout.domain.dataclass import dataclass

_CREATED = frozenset({"CREATE_IN_PROGRESS", "CREATE_COMPLETE"})
_COMPLETE = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"})
# DescribeStacks answers a name that does not exist with this, not with an empty list.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html
_NO_SUCH_STACK = "ValidationError"
HOW_TO_DEPLOY = (
    "Deploy it with `make deploy`, start a local cloud with `cutout up`, or name another stack "
    "with `--stack NAME`."
)


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A resource of the stack: its type, its name in the template, its name in the account."""

    kind: str
    logical_id: str
    physical_id: str

    @property
    def title(self) -> str:
        """The name in the template without the parts that all names have in common."""
        # `CutoutSubmissionsQueue1A2B3C4D` is `Submissions`.
        return re.sub(r"^Cutout(?=[A-Z])|(Queue)?[0-9A-F]{8}$", "", self.logical_id)


@dataclass(frozen=True, kw_only=True)
class Description:
    """The answer of CloudFormation.

    Attributes:
        status: CloudFormation's word, such as `CREATE_COMPLETE`.
        outputs: by name.
        account: id of the AWS account; empty for the local cloud, where it means nothing.
        updated_at: time of the last update; None if there was none.
    """

    status: str
    outputs: Mapping[str, str]
    account: str = ""
    updated_at: datetime | None = None

    @property
    def is_complete(self) -> bool:
        """The last deployment succeeded."""
        return self.status in _COMPLETE


@dataclass(frozen=True, kw_only=True)
class StackOutputs:
    """The stack's outputs that commands need."""

    uploads_bucket: str
    results_bucket: str
    jobs_table: str
    submissions_queue_url: str
    callbacks_queue_url: str
    recipes: tuple[str, ...] = ()

    @classmethod
    def read(cls, description: Description, *, stack: str) -> Self:
        """Read the outputs.

        Raises:
            Problem: The stack has no outputs yet, or is not a Cutout stack.
        """
        outputs = description.outputs
        if not outputs and not description.is_complete:
            raise Problem(
                f"The stack {stack} is {description.status} and has no outputs.",
                advice="Wait until it is deployed. If the deployment failed, the stack's events in "
                "CloudFormation name the cause.",
            )
        try:
            return cls(
                uploads_bucket=outputs["UploadsBucketName"],
                results_bucket=outputs["ResultsBucketName"],
                jobs_table=outputs["JobsTableName"],
                submissions_queue_url=outputs["SubmissionsQueueUrl"],
                callbacks_queue_url=outputs["CallbacksQueueUrl"],
                # Stacks of earlier versions, and those without recipes, have no such output.
                recipes=tuple(filter(None, outputs.get("Recipes", "").split(","))),
            )
        except KeyError as missing:
            raise Problem(
                f"The stack {stack} has no output {missing.args[0]}; it is not a Cutout stack.",
                advice="Name another stack with `--stack NAME`.",
            ) from missing


class DescribedStack:
    """A stack and its description. Several threads may share it."""

    def __init__(self, clients: TargetClients, name: str) -> None:
        self.name = name
        self.where = clients.where
        self.clients = clients
        self._lock = threading.Lock()
        # A list, as None is an answer, too: there is no such stack.
        self._described: list[Description | None] = []
        self._listed: list[Resource] = []

    def description(self) -> Description | None:
        """Return CloudFormation's description, asked for once; None if there is no such stack."""
        with self._lock:
            # The checks of `cutout doctor` ask at the same time; one request answers all of them.
            if not self._described:
                self._described.append(self._describe())
            return self._described[0]

    def outputs(self) -> Mapping[str, str]:
        """Return the stack's outputs by name; none if there is no such stack."""
        described = self.description()
        return described.outputs if described else {}

    def existing(self) -> Description:
        """Return the description.

        Raises:
            Problem: There is no such stack.
        """
        described = self.description()
        if described is None:
            raise Problem(
                f"There is no stack {self.name} on {self.where}.",
                advice=HOW_TO_DEPLOY,
            )
        return described

    def _describe(self) -> Description | None:
        client = self.clients.client("cloudformation")
        try:
            stack = client.describe_stacks(StackName=self.name)["Stacks"][0]
        except ClientError as error:
            if error.response["Error"]["Code"] == _NO_SUCH_STACK:
                return None
            raise
        outputs = {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", ())}
        account = "" if self.clients.is_local else stack["StackId"].split(":")[4]
        status = stack["StackStatus"]
        # A change set that creates a stack may count as its update.
        updated_at = None if status in _CREATED else stack.get("LastUpdatedTime")
        return Description(status=status, outputs=outputs, account=account, updated_at=updated_at)

    def _resources(self, kind: str) -> Sequence[Resource]:
        """Return the stack's resources of a type; all are listed once."""
        self.existing()
        with self._lock:
            self._listed = self._listed or list(self._list())
            return [one for one in self._listed if one.kind == kind]

    def _list(self) -> Iterator[Resource]:
        pages = self.clients.client("cloudformation").get_paginator("list_stack_resources")
        for page in pages.paginate(StackName=self.name):
            for one in page["StackResourceSummaries"]:
                yield Resource(
                    kind=one["ResourceType"],
                    logical_id=one["LogicalResourceId"],
                    # A resource that is still being created has none yet.
                    physical_id=one.get("PhysicalResourceId", ""),
                )


def name_in(arn: str) -> str:
    """Return the name of the function that an ARN names, also of its alias or version."""
    return arn.rsplit(":function:", maxsplit=1)[-1].partition(":")[0]
