"""Roles: who can assume them, and how wide their permissions are.

Each role's whole policy is in the snapshot; `test_function_permissions_removal` shows that each
permission is needed.
"""

from infra.settings.settings import Settings
from tests.infra.template_view import Synthesize, TemplateView, many

SECRET = "arn:aws:secretsmanager:here:mine:secret:Cutout"

TRUSTS = {
    "SubmitRole": {"Service": "lambda.amazonaws.com"},
    "PrepareRole": {"Service": "lambda.amazonaws.com"},
    "ReceiveCallbackRole": {"Service": "lambda.amazonaws.com"},
    "StoreResultRole": {"Service": "lambda.amazonaws.com"},
    "SweepRole": {"Service": "lambda.amazonaws.com"},
    "PhotoReader": {"AWS": "<SubmitRole.Arn>"},
    "EveryMinuteRole": {"Service": "scheduler.amazonaws.com"},
}


def test_every_role_can_be_assumed_by_one_principal(template: TemplateView) -> None:
    """Only the service or role that needs a role can assume it."""
    trusted = {
        name: [one["Principal"] for one in role["AssumeRolePolicyDocument"]["Statement"]]
        for name, role in template.of_type("AWS::IAM::Role").items()
    }
    assert trusted == {name: [principal] for name, principal in TRUSTS.items()}


def test_only_schedules_of_this_account_can_assume_the_role(template: TemplateView) -> None:
    """Another account's schedule cannot assume the role that starts Sweep."""
    [statement] = template.properties("EveryMinuteRole")["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Condition"] == {
        "StringEquals": {"aws:SourceAccount": "mine"},
        "ArnEquals": {"aws:SourceArn": "arn:aws:scheduler:here:mine:schedule-group/default"},
    }


def test_roles_have_no_managed_policies(template: TemplateView) -> None:
    """A change of an AWS managed policy does not change our roles."""
    managed = {
        name: role.get("ManagedPolicyArns")
        for name, role in template.of_type("AWS::IAM::Role").items()
    }
    assert managed == dict.fromkeys(TRUSTS)


def test_no_action_is_a_pattern(template: TemplateView) -> None:
    """Actions are spelt out, so that a new one of AWS is not granted by accident."""
    actions = {
        action
        for policy in template.of_type("AWS::IAM::Policy").values()
        for statement in policy["PolicyDocument"]["Statement"]
        for action in many(statement["Action"])
    }
    assert [action for action in actions if "*" in action] == []


WIDE_FOR_A_REASON = {
    "<Uploads.Arn>/*": "uploaders choose the names of photos",
    "<Results.Arn>/*": "cut-outs are named after their photos",
    "<Results.Arn>/*.error.json": "so are notes",
    "<Work.Arn>/prepared/*": "copies are named after their jobs",
    "<Work.Arn>/kept/*": "kept results are named after their photos' hashes",
    f"{SECRET}/evolink-api-key-??????": "Secrets Manager ends ARNs in six characters",
    f"{SECRET}/callback-signing-key-??????": "Secrets Manager ends ARNs in six characters",
}


def test_resources_are_patterns_for_listed_reasons_only(template: TemplateView) -> None:
    """A resource with a wildcard is one whose name cannot be known."""
    resources = {resource for role in TRUSTS for _, resource in template.granted(role)}
    wide = {resource for resource in resources if "*" in resource or "?" in resource}
    assert wide == set(WIDE_FOR_A_REASON)


def test_prefixes_narrow_what_may_be_read_and_written(synthesize: Synthesize) -> None:
    """With prefixes, objects outside of them are not accessible."""
    reading = synthesize(Settings(upload_prefix="photos/", result_prefix="cut-outs/"))
    of_s3 = {
        (action, resource)
        for role in ("SubmitRole", "PrepareRole", "StoreResultRole", "PhotoReader")
        for action, resource in reading.granted(role)
        if action.startswith("s3:") and action != "s3:ListBucket"
    }
    assert of_s3 == {
        ("s3:GetObject", "<Uploads.Arn>/photos/*"),
        ("s3:GetObjectVersion", "<Uploads.Arn>/photos/*"),
        ("s3:GetObjectTagging", "<Uploads.Arn>/photos/*"),
        ("s3:GetObjectVersionTagging", "<Uploads.Arn>/photos/*"),
        ("s3:GetObject", "<Results.Arn>/cut-outs/*"),
        ("s3:PutObject", "<Results.Arn>/cut-outs/*"),
        ("s3:PutObjectTagging", "<Results.Arn>/cut-outs/*"),
        ("s3:GetObjectTagging", "<Results.Arn>/cut-outs/*"),
        ("s3:GetObject", "<Results.Arn>/review/*"),
        ("s3:PutObject", "<Results.Arn>/review/*"),
        ("s3:PutObjectTagging", "<Results.Arn>/review/*"),
        ("s3:GetObject", "<Work.Arn>/kept/*"),
        ("s3:PutObject", "<Work.Arn>/kept/*"),
        ("s3:GetObject", "<Results.Arn>/cut-outs/*.error.json"),
        ("s3:PutObject", "<Results.Arn>/cut-outs/*.error.json"),
        ("s3:DeleteObject", "<Results.Arn>/cut-outs/*.error.json"),
        ("s3:GetObject", "<Work.Arn>/prepared/*"),
        ("s3:PutObject", "<Work.Arn>/prepared/*"),
    }


def test_submit_has_no_permission_on_results_without_error_notes(synthesize: Synthesize) -> None:
    """And no function may delete anything."""
    reading = synthesize(Settings(error_notes=False))
    granted = reading.granted("SubmitRole") | reading.granted("StoreResultRole")
    assert not [action for action, _ in granted if action == "s3:DeleteObject"]
    assert not [it for _, it in reading.granted("SubmitRole") if it.startswith("<Results.Arn>")]


def test_tagging_photos_is_allowed_only_with_tag_source(
    template: TemplateView, synthesize: Synthesize
) -> None:
    """For Submit and StoreResult, on photos only."""
    wanted = synthesize(Settings(tag_source=True, upload_prefix="photos/"))
    for role in ("SubmitRole", "StoreResultRole"):
        assert {it for it in wanted.granted(role) if it[0].startswith("s3:Put")} >= {
            ("s3:PutObjectTagging", "<Uploads.Arn>/photos/*"),
            ("s3:PutObjectVersionTagging", "<Uploads.Arn>/photos/*"),
        }
        assert not {it for it in template.granted(role) if it[0] == "s3:PutObjectVersionTagging"}


def test_deleting_results_is_allowed_only_with_delete_with_source(
    template: TemplateView, synthesize: Synthesize
) -> None:
    """Submit gets the event and queues the removal; StoreResult deletes."""
    wanted = synthesize(Settings(delete_with_source=True, result_prefix="cut-outs/"))
    added = wanted.granted("StoreResultRole") - template.granted("StoreResultRole")
    assert {it for it in added if "error.json" not in it[1] and it[0] != "s3:GetObject"} >= {
        ("s3:DeleteObject", "<Results.Arn>/cut-outs/*"),
        ("s3:DeleteObject", "<Results.Arn>/review/*"),
        ("s3:DeleteObject", "<Work.Arn>/kept/*"),
        ("dynamodb:Query", "<Jobs.Arn>/index/source"),
        ("sqs:SendMessage", "<CallbacksQueue.Arn>"),
    }
    assert ("s3:DeleteObject", "<Work.Arn>/kept/*") not in template.granted("StoreResultRole")
    submit = wanted.granted("SubmitRole") - template.granted("SubmitRole")
    assert ("sqs:SendMessage", "<CallbacksQueue.Arn>") in wanted.granted("SubmitRole")
    assert not {it for it in submit if it[0] == "s3:DeleteObject" and "error.json" not in it[1]}


def test_no_results_are_cached_without_reuse(synthesize: Synthesize) -> None:
    """What makes the same picture cost once is what reaches for the work bucket.

    Submit can tell StoreResult of a task all the same: of one that it could not record.
    """
    reading = synthesize(Settings(reuse=False))
    store = reading.granted("StoreResultRole")
    assert not [resource for _, resource in store if resource.startswith("<Work.Arn>/kept")]
    assert ("sqs:SendMessage", "<CallbacksQueue.Arn>") in reading.granted("SubmitRole")


def test_photo_link_lasts_as_long_as_a_role_session_can(template: TemplateView) -> None:
    """The role that signs photo links allows sessions of an hour, the longest there are."""
    assert template.properties("PhotoReader")["MaxSessionDuration"] == 3600
