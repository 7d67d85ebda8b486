"""The template for people who do not use the CDK."""

import json
from pathlib import Path

import pytest

from infra.deploy.__main__ import main
from infra.deploy.standalone_template import PARAMETER

AGREED = json.loads((Path(__file__).parents[1] / "template.json").read_text())


def test_standalone_template_is_the_same_stack_and_needs_only_a_bucket(tmp_path: Path) -> None:
    """Its assets are beside it, and no bootstrapped account is needed."""
    assert main(["template", "--folder", str(tmp_path)]) == 0
    text = (tmp_path / "cutout.template.json").read_text()
    template = json.loads(text)
    assert template["Outputs"].keys() == AGREED["Outputs"].keys()
    assert sorted(one["Type"] for one in template["Resources"].values()) == sorted(
        one["Type"] for one in AGREED["Resources"].values()
    )
    assert template["Parameters"].keys() == {PARAMETER}
    assert "hnb659fds" not in text
    assert "Fn::ImportValue" not in text
    codes = [
        one["Properties"]["Code"]
        for one in template["Resources"].values()
        if one["Type"] == "AWS::Lambda::Function"
    ]
    assert {json.dumps(code["S3Bucket"]) for code in codes} == {
        json.dumps({"Fn::Sub": f"${{{PARAMETER}}}"})
    }
    files = {path.relative_to(tmp_path).as_posix() for path in tmp_path.glob("*/*")}
    assert files == {code["S3Key"] for code in codes}


def test_refused_setting_writes_no_template(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line says why."""
    assert main(["template", "--folder", str(tmp_path / "new"), "-c", "max_in_fligth=3"]) == 1
    assert "did you mean max_in_flight?" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()
