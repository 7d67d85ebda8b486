"""Deploy to AWS, or destroy, with one command.

    python -m infra.deploy deploy   [--stage prod] [-c name=value]...
    python -m infra.deploy destroy  [--stage prod] [--yes]
    python -m infra.deploy policy   [--stage prod] [-c name=value]...
    python -m infra.deploy template [--stage prod] [-c name=value]... [--folder FOLDER]

Account, region and credentials come from the usual AWS environment. An account without the CDK's
bootstrap gets it. EVOLINK_API_KEY, if set, becomes the value of the stack's secret.

`policy` prints the policy of a role that may do both in a bootstrapped account. `template` writes
what deploys the stack without the CDK.

Destroying keeps photos, cut-outs, jobs and secrets, unless the stack was deployed as ephemeral. It
names what goes and what stays, and asks on a terminal; elsewhere it needs --yes. A
later deployment of the same name then fails because the secrets exist; --replace-secrets deletes
and recreates them and copies the API key. Several stages can be deployed at once: each has its own
folder of synthesized files.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, TextIO

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from ..assets import AssetError
from ..assets.folders import cache_folder
from ..node import node_path
from ..settings.settings import KEYS_PAGE, Settings
from ..settings.value_rules import SettingError, pairs
from .aws_account import BUCKET, Account, DeployError, StackResource, unless
from .concurrency import free_concurrency, settings_for
from .deployer_policy import BOOTSTRAP_VERSION, policy
from .standalone_template import write_template

_INFRA = Path(__file__).resolve().parents[1]
_CDK = _INFRA / "cdk" / "node_modules" / "aws-cdk" / "bin" / "cdk"
_TEMPLATES = Path("dist") / "cloudformation"
_API_KEY_VARIABLE = "EVOLINK_API_KEY"
# Kinds that hold what cannot be deployed again.
_DATA: Final = frozenset(
    {BUCKET, "AWS::DynamoDB::Table", "AWS::SecretsManager::Secret", "AWS::KMS::Key"}
)


def main(arguments: Sequence[str] | None = None, stdin: TextIO | None = None) -> int:
    """Run the command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m infra.deploy", description=__doc__)
    parser.add_argument("action", choices=("deploy", "destroy", "policy", "template"))
    parser.add_argument("-c", "--context", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--profile", help="a profile of the AWS configuration")
    parser.add_argument("--region", help="an AWS region")
    parser.add_argument("--stage", help="the same as -c stage=STAGE")
    parser.add_argument(
        "--replace-secrets", action="store_true", help="replace those that a destroyed stack left"
    )
    parser.add_argument("--yes", action="store_true", help="destroy without asking")
    parser.add_argument("--folder", type=Path, help="where `template` writes", default=_TEMPLATES)
    options = parser.parse_args(arguments)
    if options.stage:
        options.context.append(f"stage={options.stage}")
    try:
        settings = Settings.from_context(pairs(options.context))
        if options.action == "template":
            write_template(options.folder, settings)
            _say(f"{options.folder}/README.md says how to deploy it.")
            return 0
        session, stack = session_of(options.profile, options.region), settings.stack_name
        if options.action == "deploy":
            _deploy(session, stack, options.context, replaces_secrets=options.replace_secrets)
        elif options.action == "destroy":
            asked = None if options.yes else stdin or sys.stdin
            _destroy(session, stack, options.context, asked)
        else:
            _print_policy(session, stack)
    except (AssetError, DeployError, SettingError) as exc:
        sys.stderr.write(f"cutout: {exc}\n")
        return 1
    except (BotoCoreError, ClientError) as exc:
        sys.stderr.write(f"cutout: AWS refuses: {exc}\n")
        return 1
    return 0


def session_of(profile: str | None, region: str | None) -> boto3.Session:
    """Return a session for the options, or for the usual AWS environment."""
    # The AWS CLI and the CDK read AWS_REGION; boto3 does not.
    return boto3.Session(
        profile_name=profile, region_name=region or os.environ.get("AWS_REGION") or None
    )


def _print_policy(session: boto3.Session, stack: str) -> None:
    """Print the policy of a role that deploys this stack."""
    account, region = _where(session)
    partition = session.get_partition_for_region(region)
    document = policy(account=account, region=region, stack=stack, partition=partition)
    sys.stdout.write(json.dumps(document, indent=2) + "\n")


def _destroy(session: boto3.Session, stack: str, context: list[str], asked: TextIO | None) -> None:
    """Destroy the stack once the person has agreed; `asked` is where the answer is read."""
    account, region = _where(session)
    resources = Account(session).resources(stack)
    if not resources:
        raise DeployError(f"there is no stack {stack} in account {account}, {region}")
    _say(f"Destroying {stack} in account {account}, {region}:")
    _say("\n".join(_removal_in_words(resources)))
    if asked is not None:
        _check_agreement(asked)
    for bucket in Account(session).empty_deleted_buckets(stack):
        _say(f"Emptied {bucket}, which is deleted with the stack.")
    _cdk(session, "destroy", "--force", *_synthesized_or_new(stack), *_context(context))


def _removal_in_words(resources: Sequence[StackResource]) -> Iterator[str]:
    """Yield a line for each resource that holds data or is kept, and one for all others."""
    data = [one for one in resources if one.kind in _DATA and not one.is_kept]
    for one in data:
        yield f"  goes   {_named(one)}, with everything in it"
    others = sum(not one.is_kept for one in resources) - len(data)
    yield f"  goes   functions, queues, logs, alarms and the rest: {others} in all"
    for one in resources:
        if one.is_kept:
            yield f"  stays  {_named(one)}"


def _named(resource: StackResource) -> str:
    kind = resource.kind.removeprefix("AWS::").replace("::", " ")
    return f"{kind} {resource.name}"


def _check_agreement(asked: TextIO) -> None:
    """Ask on a terminal; anything but a yes ends the command."""
    if not asked.isatty():
        raise DeployError("nothing is destroyed without --yes (make destroy ARGS='--yes')")
    sys.stderr.write("Destroy it? [y/N] ")
    sys.stderr.flush()
    if asked.readline().strip().lower() not in {"y", "yes"}:
        raise DeployError("nothing was destroyed")


def _free_secret_names(session: boto3.Session, stack: str, *, replaces_secrets: bool) -> None:
    """Make sure that the names of the stack's secrets are free."""
    account = Account(session)
    if table := account.delete_empty_table(stack):
        _say(f"Deleted {table}, the empty table of a first deployment of {stack} that failed.")
    kept = account.leftover_secrets(stack)
    if kept and not replaces_secrets:
        raise DeployError(
            f"Secrets {' and '.join(kept)} from an earlier deployment of {stack} still exist: "
            "deploy with --replace-secrets to recreate them (the API key is kept), or under "
            "another name (--stage, -c stack=NAME)"
        )
    if kept:
        _say(f"Deleting secrets of an earlier {stack}: {', '.join(kept)}.")
        account.delete_secrets(stack)


def _deploy(
    session: boto3.Session, stack: str, context: list[str], *, replaces_secrets: bool
) -> None:
    account, region = _where(session)
    _say(f"Deploying {stack} to account {account}, {region}.")
    _free_secret_names(session, stack, replaces_secrets=replaces_secrets)
    if not _is_bootstrapped(session):
        _say("Preparing the account for the CDK, once.")
        _cdk(session, "bootstrap", f"aws://{account}/{region}", "--app", "")
    free = free_concurrency(session.client("lambda"), Account(session).functions(stack))
    fitted = [f"{name}={value}" for name, value in settings_for(free, context).items()]
    if fitted:
        _say(f"The account's concurrency is small: deploying with {', '.join(fitted)}.")
    context = [*context, *fitted]
    outputs = _run_deployment(session, stack, context)
    saved = Account(session).saved_api_key(stack)
    _put_key(session, stack, outputs["ApiKeySecretName"], saved)
    if saved:
        Account(session).delete_saved_api_key(stack)
    _say(f"Upload photos to    s3://{outputs['UploadsBucketName']}/")
    _say(f"Cut-outs come to    s3://{outputs['ResultsBucketName']}/")


def _run_deployment(session: boto3.Session, stack: str, context: list[str]) -> dict[str, str]:
    with tempfile.TemporaryDirectory(prefix="cutout-deploy-") as folder:
        file = Path(folder) / "outputs.json"
        arguments = ("--require-approval", "never", "--outputs-file", str(file))
        _cdk(session, "deploy", *arguments, *_output(stack), *_context(context))
        outputs: dict[str, str]
        (outputs,) = json.loads(file.read_text()).values()
        return outputs


def _where(session: boto3.Session) -> tuple[str, str]:
    if not session.region_name:
        raise DeployError(
            "no region is set: pass --region, or set AWS_REGION or a profile's region"
        )
    try:
        account = session.client("sts").get_caller_identity()["Account"]
    except (BotoCoreError, ClientError) as exc:
        raise DeployError(
            f"AWS does not know you ({exc}): sign in (aws sso login, aws configure), or pass "
            "--profile",
        ) from exc
    return account, session.region_name


def _is_bootstrapped(session: boto3.Session) -> bool:
    read = session.client("ssm").get_parameter
    return unless({"ParameterNotFound"}, read, Name=BOOTSTRAP_VERSION) is not None


def _put_key(session: boto3.Session, stack: str, secret: str, saved: str | None) -> None:
    """Store the key of the environment or a saved one, or say how a person does it."""
    key = os.environ.get(_API_KEY_VARIABLE) or saved
    if key:
        session.client("secretsmanager").put_secret_value(SecretId=secret, SecretString=key)
        _say("The API key is in place.")
        return
    _say(
        "Until the secret holds your Evolink API key, jobs wait at the gate. Create one at\n"
        f"{KEYS_PAGE}, store it, and open the gate:\n"
        f"    aws secretsmanager put-secret-value --secret-id {secret} "
        "--secret-string file://key.txt\n"
        f"    cutout resume --stack {stack}"
    )


def _cdk(session: boto3.Session, *arguments: str) -> None:
    """Run the project's own CDK with the session's credentials; it prints to the terminal."""
    if not _CDK.exists():
        raise DeployError("the CDK command line is not installed: run make install")
    # The API key goes to Secrets Manager by this process alone, not through the CDK and its
    # plugins.
    environment = {name: it for name, it in os.environ.items() if name != _API_KEY_VARIABLE}
    if session.profile_name != "default":
        environment["AWS_PROFILE"] = session.profile_name
    if session.region_name:
        environment["AWS_REGION"] = session.region_name
    app = () if "--app" in arguments else ("--app", f'"{sys.executable}" -P -m infra.app')
    command = [str(node_path()), str(_CDK), *arguments, *app]
    if subprocess.run(command, cwd=_INFRA, env=environment, check=False).returncode:  # noqa: S603
        raise DeployError(f"cdk {arguments[0]} failed; what it wrote above says why")


def _output(stack: str) -> tuple[str, str]:
    """Name the stack's own output folder: the CDK locks it while it runs."""
    return "--output", str(_folder(stack))


def _synthesized_or_new(stack: str) -> tuple[str, str]:
    """Use what an earlier deployment synthesized here: destroying needs the name only."""
    folder = _folder(stack)
    return ("--app", str(folder)) if (folder / "manifest.json").is_file() else _output(stack)


def _folder(stack: str) -> Path:
    return cache_folder() / "cdk" / stack


def _context(entries: Sequence[str]) -> list[str]:
    return [part for entry in entries for part in ("-c", entry)]


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
