"""A handler as most are written: boto3, Powertools and httpx, with all clients made at import.

It does what `floor` does, and has the clients of AWS that Submit has.
"""

from __future__ import annotations

import hashlib
import os
from typing import Any

import boto3
import httpx
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.parameters import SecretsProvider
from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger(service="straightforward")
metrics = Metrics(namespace="Cutout", service="straightforward")
processor = BatchProcessor(event_type=EventType.SQS)
dynamodb = boto3.client("dynamodb")
events = boto3.client("events")
s3 = boto3.client("s3")
sqs = boto3.client("sqs")
sts = boto3.client("sts")
secrets = SecretsProvider()
http = httpx.Client(timeout=30)


def take(record: SQSRecord) -> None:
    """Ask for the cut-out of an upload."""
    uploaded = record.json_body["detail"]
    bucket, key = uploaded["bucket"]["name"], uploaded["object"]["key"]
    row: dict[str, Any] = {
        "pk": {"S": "straight#" + hashlib.sha256(f"{bucket}/{key}".encode()).hexdigest()}
    }
    table = os.environ["CUTOUT_JOBS_TABLE"]
    dynamodb.put_item(TableName=table, Item=row, ConditionExpression="attribute_not_exists(pk)")
    url = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": key})
    api_key = str(secrets.get(os.environ["CUTOUT_API_KEY_SECRET"]))
    answer = http.post(
        os.environ["CUTOUT_EVOLINK_BASE_URL"] + "/v1/images/generations",
        headers={"Authorization": f"Bearer {api_key}"},
        json={"image_urls": [url], "callback_url": "https://example.com/x"},
    )
    task = answer.raise_for_status().json()["id"]
    dynamodb.put_item(TableName=table, Item=row | {"task_id": {"S": task}})
    metrics.add_metric(name="Submitted", unit="Count", value=1)
    logger.info("submitted", extra={"task": task})


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Take each message of a batch."""
    return process_partial_response(
        event=event, record_handler=take, processor=processor, context=context
    )
