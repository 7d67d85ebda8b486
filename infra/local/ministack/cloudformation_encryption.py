"""Encryption keys of CloudFormation resources, which MiniStack 1.5.33 leaves out.

With this, buckets, tables and topics of a template report the key that the template names.
MiniStack itself does that for queues, secrets and log groups.
"""

from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring


def add_encryption() -> None:
    """Add the keys; call once MiniStack is imported, before it serves."""
    from ministack.services.cloudformation import provisioners  # noqa: PLC0415 - reads its own

    handlers = provisioners._RESOURCE_HANDLERS  # noqa: SLF001
    for kind, encrypt in (
        ("AWS::S3::Bucket", _encrypt_bucket),
        ("AWS::DynamoDB::Table", _encrypt_table),
        ("AWS::SNS::Topic", _encrypt_topic),
    ):
        handlers[kind] = {
            **handlers[kind],
            # Their properties are the second and the third argument.
            "create": _and_encrypt(handlers[kind]["create"], encrypt, 1),
            "update": _and_encrypt(handlers[kind]["update"], encrypt, 2),
        }


def _and_encrypt(change: Any, encrypt: Any, properties: int) -> Any:  # noqa: ANN401 - MiniStack's own
    """Return what changes a resource and then encrypts it; `properties` is their place."""

    def and_encrypt(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - the same
        changed = change(*arguments, **named)
        encrypt(changed[0], arguments[properties])
        return changed

    return and_encrypt


def _encrypt_bucket(name: str, properties: dict[str, Any]) -> None:
    """Set the default encryption of a bucket whose template names a key."""
    # A bucket with `aws:kms` and without a key, such as that of the CDK's bootstrap, gets none: the
    # CDK uploads with the bucket's algorithm, and MiniStack refuses `aws:kms` without a key.
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_ServerSideEncryptionByDefault.html
    from ministack.services import s3  # noqa: PLC0415 - reads its environment

    encryption = properties.get("BucketEncryption") or {"ServerSideEncryptionConfiguration": ()}
    rules = [one for one in encryption["ServerSideEncryptionConfiguration"] if _key_of(one)]
    s3._delete_bucket_encryption(name)  # noqa: SLF001
    for rule in rules:
        s3._put_bucket_encryption(name, _document(rule, s3.S3_NS))  # noqa: SLF001


def _key_of(rule: dict[str, Any]) -> str | None:
    key: str | None = rule.get("ServerSideEncryptionByDefault", {}).get("KMSMasterKeyID")
    return key


def _document(rule: dict[str, Any], namespace: str) -> bytes:
    """Return the body of a PutBucketEncryption request."""
    document = Element("ServerSideEncryptionConfiguration", xmlns=namespace)
    element = SubElement(document, "Rule")
    default = SubElement(element, "ApplyServerSideEncryptionByDefault")
    SubElement(default, "SSEAlgorithm").text = rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"]
    SubElement(default, "KMSMasterKeyID").text = _key_of(rule)
    is_bucket_key = str(rule.get("BucketKeyEnabled", False)).lower()
    SubElement(element, "BucketKeyEnabled").text = is_bucket_key
    return tostring(document)


def _encrypt_table(name: str, properties: dict[str, Any]) -> None:
    # https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_SSEDescription.html
    from ministack.services import dynamodb  # noqa: PLC0415 - reads its environment

    wanted = properties.get("SSESpecification") or {}
    is_enabled = str(wanted.get("SSEEnabled", False)).lower() == "true"
    specification = {**wanted, "Enabled": True} if is_enabled else None
    describe = dynamodb._sse_description_from_spec  # noqa: SLF001
    dynamodb._tables[name]["SSEDescription"] = describe(specification)  # noqa: SLF001


def _encrypt_topic(arn: str, properties: dict[str, Any]) -> None:
    # https://docs.aws.amazon.com/sns/latest/api/API_GetTopicAttributes.html
    from ministack.services import sns  # noqa: PLC0415 - reads its environment

    attributes = sns._topics[arn]["attributes"]  # noqa: SLF001
    attributes.pop("KmsMasterKeyId", None)
    if key := properties.get("KmsMasterKeyId"):
        attributes["KmsMasterKeyId"] = key
