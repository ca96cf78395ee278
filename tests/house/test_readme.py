"""What the README says is true: its first commands, its configuration, its command list."""

from __future__ import annotations

import re
from pathlib import Path

import typer
import yaml

from holdfast.catalog.config import parse_config
from holdfast.catalog.policy import parse_policy
from holdfast.delivery.registry import deployers_by_service
from holdfast.model.action import Autonomy
from holdfast.surfaces.cli.main import app

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)


def yaml_block(first_line: str) -> str:
    return next(text for kind, text in BLOCKS if kind == "yaml" and text.startswith(first_line))


def test_its_first_two_commands_are_make_demo_and_make_test() -> None:
    commands = [line.split("#")[0].strip() for line in BLOCKS[0][1].strip().splitlines()]
    assert commands == ["make demo", "make test"]
    targets = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "\ndemo:" in targets
    assert "\ntest:" in targets


def test_its_policy_loads_and_says_what_the_text_says(tmp_path: Path) -> None:
    policy = parse_policy(yaml_block("# policy.yaml"), tmp_path / "policy.yaml")
    assert [rule.autonomy for rule in policy.rules] == [Autonomy.APPROVE]
    assert policy.default is Autonomy.OBSERVE


def test_its_deployer_is_accepted(tmp_path: Path) -> None:
    said = yaml.safe_load(yaml_block("# holdfast.yaml"))
    (tmp_path / "policy.yaml").write_text(yaml_block("# policy.yaml"))
    whole = {
        "metrics": {"url": "http://127.0.0.1:9090"},
        "services": [{"name": "shop", "deployer": "production"}],
        **said,
    }
    config = parse_config(yaml.safe_dump(whole), tmp_path / "holdfast.yaml")
    assert set(deployers_by_service(config, working_folder=tmp_path)) == {"shop"}


def test_it_names_every_command() -> None:
    [listed] = re.findall(r"## Commands\n\n(.*?)\n", README)
    named = set(re.findall(r"`(?:holdfast )?([a-z]+)`", listed))
    assert named == set(typer.main.get_command(app).commands)  # pyright: ignore[reportAttributeAccessIssue]


def test_the_files_that_it_links_to_exist() -> None:
    linked = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert [name for name in linked if not (ROOT / name).exists()] == []
