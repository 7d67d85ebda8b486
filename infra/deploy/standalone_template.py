"""Writes one CloudFormation template and its assets, for people who do not use the CDK.

The template needs no bootstrapped account: the bucket of the assets is its only parameter. A guide
beside it says how to deploy it with the AWS CLI alone.
"""

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any, Final

from ..app import keep_bytecode
from ..assets.folders import cache_folder
from ..node import use_own_node
from ..settings.settings import API_KEY, KEYS_PAGE, Settings

PARAMETER: Final = "AssetsBucket"
_TEMPLATE: Final = "cutout.template.json"
_PREFIX: Final = "cutout/"
_CDK_JSON: Final = Path(__file__).resolve().parents[1] / "cdk.json"
_GUIDE: Final = """\
# {stack} with the AWS CLI alone

`{template}` needs the files of `{prefix}` in a bucket of its region, as long as the stack exists.

```sh
aws s3 cp --recursive {prefix} "s3://$BUCKET/{prefix}"
aws cloudformation deploy --stack-name {stack} --template-file {template} --s3-bucket "$BUCKET" \\
  --capabilities CAPABILITY_IAM --parameter-overrides "{parameter}=$BUCKET"
aws secretsmanager put-secret-value --secret-id {secret} --secret-string file://key.txt
aws cloudformation describe-stacks --stack-name {stack} --query "Stacks[0].Outputs" --output table
```

`BUCKET` is your bucket, `key.txt` holds the API key ([make one]({keys})).
Photos that were uploaded before the key was there wait until `cutout resume`. The first two lines
also update the stack. `aws cloudformation delete-stack` keeps buckets, tables and secrets, unless
the template was written with `-c ephemeral=true`.
A new account that runs ten functions at once needs `-c reserved_concurrency=false`.
"""


def write_template(folder: Path, settings: Settings) -> None:
    """Write template, assets and guide into a folder, in place of earlier ones."""
    keep_bytecode(cache_folder() / "bytecode")
    use_own_node()
    from aws_cdk import App, CfnParameter, DefaultStackSynthesizer  # noqa: PLC0415 # starts Node

    from ..stack import CutoutStack  # noqa: PLC0415 # the same

    with tempfile.TemporaryDirectory(prefix="cutout-template-") as output:
        flags: dict[str, Any] = json.loads(_CDK_JSON.read_text())["context"]
        app = App(outdir=output, context=flags, analytics_reporting=False)
        stack = CutoutStack(
            app,
            settings=settings,
            synthesizer=DefaultStackSynthesizer(
                # The CDK puts the name into an Fn::Sub, which reads the parameter.
                file_assets_bucket_name=f"${{{PARAMETER}}}",
                bucket_prefix=_PREFIX,
                generate_bootstrap_version_rule=False,
            ),
        )
        CfnParameter(stack, PARAMETER, description=f"The bucket that holds {_PREFIX}")
        app.synth()
        shutil.rmtree(folder / _PREFIX, ignore_errors=True)
        (folder / _PREFIX).mkdir(parents=True)
        _copy(Path(output), settings.stack_name, folder)
    guide = _GUIDE.format(
        stack=settings.stack_name,
        template=_TEMPLATE,
        prefix=_PREFIX,
        parameter=PARAMETER,
        secret=f"{settings.stack_name}/{API_KEY}",
        keys=KEYS_PAGE,
    )
    (folder / "README.md").write_text(guide, encoding="utf-8")


def _copy(output: Path, stack: str, folder: Path) -> None:
    """Copy the template, and each asset under the key that the template names."""
    template = f"{stack}.template.json"
    shutil.copyfile(output / template, folder / _TEMPLATE)
    for asset in json.loads((output / f"{stack}.assets.json").read_text())["files"].values():
        if asset["source"]["path"] != template:
            (destination,) = asset["destinations"].values()
            shutil.copyfile(output / asset["source"]["path"], folder / destination["objectKey"])
