"""Checks synthesized stacks with linters: plain, with everything on, and in a VPC.

    python -m tests.infra.static_checks [CHECKOV]

Runs cdk-nag's packs AwsSolutions and Serverless, what the CDK itself validates, cfn-lint and, if
its program is named, checkov; all without a network. Checkov reads the variant with a key of one's
own, which its rules demand for everything. Exit status 1, with what was found, if anything is
not suppressed with a reason (`infra/constructs/nag_suppressions.py`, `.cfnlintrc`).
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from infra.node import use_own_node

use_own_node()

from aws_cdk import App, Stack, Validations  # noqa: E402 # the line above chooses its Node
from aws_cdk import aws_ec2 as ec2  # noqa: E402 # the same
from cdk_nag import AwsSolutionsChecks, ServerlessChecks  # noqa: E402 # the same

from infra.constructs.cutout import Cutout  # noqa: E402 # the same
from infra.constructs.network import Network  # noqa: E402 # the same
from infra.deployed_functions import SHAPES, Asset, FunctionName  # noqa: E402 # the same
from infra.settings.settings import Settings  # noqa: E402 # the same
from infra.stack import CutoutStack  # noqa: E402 # the same

ROOT = Path(__file__).resolve().parents[2]
_ARN = "111122223333:{}/1234abcd-12ab-34cd-56ef-1234567890ab"
VARIANTS = {
    "plain": Settings(),
    "everything": Settings(
        stage="prod",
        upload_prefix="photos/",
        upload_suffixes=(".jpg", ".png"),
        result_prefix="cut-outs/",
        kms_key="own",
        callback_domain="callbacks.example.com",
        callback_certificate="arn:aws:acm:eu-west-1:" + _ARN.format("certificate"),
        alarm_email="ops@example.com",
        permissions_boundary="arn:aws:iam::111122223333:policy/Boundary",
        tags=("team=imaging",),
    ),
    "attached buckets": Settings(
        uploads_bucket="our-photos",
        uploads_kms_key="arn:aws:kms:eu-west-1:" + _ARN.format("key"),
        results_bucket="our-cut-outs",
        results_kms_key="arn:aws:kms:eu-west-1:" + _ARN.format("key"),
        tag_source=True,
        delete_with_source=True,
    ),
    "the photo's own pixels": Settings(pixels="source", input_transport="files"),
    "as little as possible": Settings(
        prepare=False,
        reuse=False,
        callbacks=False,
        error_notes=False,
        reserved_concurrency=False,
        ephemeral=True,
    ),
}


IN_A_NETWORK = "in a network"


def network_in(stack: Stack) -> Network:
    """Return an existing network."""
    vpc = ec2.Vpc.from_vpc_attributes(
        stack,
        "Vpc",
        vpc_id="vpc-0123456789abcdef0",
        availability_zones=["eu-west-1a", "eu-west-1b"],
        private_subnet_ids=["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
        private_subnet_route_table_ids=["rtb-0123456789abcdef0", "rtb-0123456789abcdef1"],
    )
    return Network(vpc=vpc)


def empty_assets(folder: Path) -> dict[FunctionName, Asset]:
    """Return empty assets: no linter reads them."""
    zipped = folder / "asset.zip"
    zipped.write_bytes(b"PK\x05\x06" + bytes(18))
    return {name: Asset(path=zipped, digest=f"{number:064x}") for number, name in enumerate(SHAPES)}


def found_by_packs(name: str, folder: Path) -> list[str]:
    """Synthesize a variant into a folder, and return what the packs and the CDK find."""
    context = json.loads((ROOT / "infra" / "cdk.json").read_text())["context"]
    app = App(context=context, analytics_reporting=False, outdir=str(folder / "out"))
    if name in VARIANTS:
        CutoutStack(app, settings=VARIANTS[name], assets=empty_assets(folder))
    else:
        stack = Stack(app, "Elsewhere")
        Cutout(stack, "Cutout", assets=empty_assets(folder), network=network_in(stack))
    Validations.of(app).add_plugins(AwsSolutionsChecks(app), ServerlessChecks(app))
    try:
        app.synth()
    except RuntimeError as refused:
        return [str(refused)]
    report: dict[str, Any] = json.loads((folder / "out" / "validation-report.json").read_text())
    return [
        f"{violation['ruleName']} at {construct['constructPath']}: {violation['description']}"
        for one in report["pluginReports"]
        for violation in one["violations"]
        for construct in violation["violatingConstructs"]
    ]


def found_by_cfn_lint(folder: Path) -> list[str]:
    """Return what cfn-lint finds in what was synthesized there."""
    [template] = (folder / "out").glob("*.template.json")
    linter = Path(sys.executable).with_name("cfn-lint")
    done = subprocess.run(  # noqa: S603 # our own linter
        [str(linter), "--config-file", str(ROOT / ".cfnlintrc"), "--", str(template)],
        capture_output=True,
        text=True,
        check=False,
    )
    return [done.stdout + done.stderr] if done.returncode else []


def found_by_checkov(program: str, folder: Path) -> list[str]:
    """Return what checkov's own rules find, without those that it would download."""
    [template] = (folder / "out").glob("*.template.json")
    options = ("--framework", "cloudformation", "--compact", "--quiet", "--skip-download")
    done = subprocess.run(  # noqa: S603 # the linter that the caller named
        [str(Path(program).resolve()), *options, "--file", str(template)],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )
    return [done.stdout + done.stderr] if done.returncode else []


def main(checkov: str | None = None) -> int:
    """Check every variant; return the exit status."""
    found: list[str] = []
    for name in (*VARIANTS, IN_A_NETWORK):
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            findings = found_by_packs(name, folder) + found_by_cfn_lint(folder)
            if checkov and name == "everything":
                findings += found_by_checkov(checkov, folder)
        found += [f"{name}: {one}" for one in findings]
    told = found or ["The template: cdk-nag, cfn-lint and checkov find nothing."]
    sys.stdout.write("\n".join(told) + "\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
