"""A saved query of CloudWatch Logs Insights: all log lines about one photo."""

from collections.abc import Iterable
from typing import Final

from aws_cdk import aws_logs as logs
from constructs import Construct

EVERYTHING_ABOUT_ONE_PHOTO: Final = """\
fields @timestamp, service, level, message, state, came_from, reason, attempt, @message
| filter job_id = "JOB_ID" or key = "shoes/a.jpg"
| sort @timestamp asc"""
"""To run it, replace the job id, or the key, by the photo's."""


def save_query(
    scope: Construct, *, name: str, groups: Iterable[logs.ILogGroup]
) -> logs.CfnQueryDefinition:
    """Save the query for these log groups in the deployment's folder of saved queries."""
    return logs.CfnQueryDefinition(
        scope,
        "EverythingAboutOnePhoto",
        name=f"{name}/Everything about one photo",
        query_string=EVERYTHING_ABOUT_ONE_PHOTO,
        # A query without log groups would ask for them each time that it is opened.
        log_group_names=[group.log_group_name for group in groups],
    )
