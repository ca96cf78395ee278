"""What docs/generated-files.md says is what happens: its Python, its commands, its tables."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from test_rule_files_written import SHOP

from holdfast.catalog.openslo import to_openslo
from holdfast.slo.files.rules import alert_rules, rules_document

PAGE = (Path(__file__).parents[2] / "docs" / "generated-files.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL))


def test_its_python_writes_files_that_its_commands_accept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("slo.yaml").write_text(to_openslo(SHOP))
    exec(compile(BLOCKS["python"], "generated-files.md", "exec"), {})
    assert json.loads(Path("dashboard.json").read_text())["title"] == "Objectives of shop"
    assert "It holds for shop." in Path("error-budget-policy.md").read_text()
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed")
    for command in BLOCKS["text"].splitlines():
        done = subprocess.run(command.split(), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_its_table_names_the_series_that_are_recorded() -> None:
    [group] = yaml.safe_load(rules_document([SHOP]))["groups"]
    recorded = {rule["record"] for rule in group["rules"] if "record" in rule}
    named = set(re.findall(r"`(slo:[\w:]+)`", PAGE))
    assert named <= recorded
    windows = {name for name in recorded if name.startswith("slo:error:ratio_rate")}
    assert recorded - named == windows - {"slo:error:ratio_rate1h"}


def test_the_reason_that_it_quotes_is_the_annotation() -> None:
    assert f"*{alert_rules(SHOP)[0].annotations['threshold_reason']}*" in PAGE
