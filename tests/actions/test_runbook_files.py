"""Runbooks load with clear complaints, take typed values only, and are reviewed by lint."""

from __future__ import annotations

import random
import string
from pathlib import Path

import pytest

from holdfast.actions.lint import lint
from holdfast.actions.parameters import check_parameters, filled_steps
from holdfast.actions.plan import plan_action
from holdfast.actions.runbooks import find_runbook, load_runbooks, parse_runbook
from holdfast.actions.steps import operation
from holdfast.errors import ConfigError, InputError, NotFound
from holdfast.model.action import Parameter, WorldState
from holdfast.model.runbook import DeployStep, Runbook
from support.action_world import AFTER, BEFORE, EFFECT, RUNBOOKS, rollback

FILE = Path("team/restart.yaml")
TEXT = """
id: restart
title: Restart a service
parameters:
  - {name: service}
  - {name: replicas, type: integer, choices: [1, 2, 3], default: 2}
preconditions: ["{service} serves v1"]
steps:
  - {kind: command, name: restart, argv: [systemctl, restart, "{service}", "{replicas}"]}
expected_effect: "{service} answers again."
effect_probe: "{service} serves v1"
undo:
  - {kind: command, name: start, argv: [systemctl, start, "{service}"]}
"""


def _parse(text: str) -> Runbook:
    return parse_runbook(text, FILE)


# ---- those that come with Holdfast -----------------------------------------------------------


def test_the_library_loads_and_lint_finds_nothing() -> None:
    assert "rollback-release" in RUNBOOKS
    for runbook in RUNBOOKS.values():
        assert lint(runbook) == ()


def test_a_rollback_is_one_conditional_deploy_with_its_undo() -> None:
    act = operation(rollback(), "act", RUNBOOKS)
    undo = operation(rollback(), "undo", RUNBOOKS)
    (step,), (back,) = act.steps, undo.steps
    assert isinstance(step, DeployStep)
    assert isinstance(back, DeployStep)
    assert (step.version, step.expect_version) == ("v2.0.0", "v2.0.1")
    assert (back.version, back.expect_version) == ("v2.0.1", "v2.0.0")
    assert act.conditional
    assert undo.conditional
    assert [str(c) for c in act.preconditions] == ["shop serves v2.0.1"]


# ---- loading ---------------------------------------------------------------------------------


def test_a_teams_folder_is_loaded_besides_the_library(tmp_path: Path) -> None:
    (tmp_path / "restart.yaml").write_text(TEXT)
    (tmp_path / "notes.txt").write_text("not a runbook")
    assert {"restart", "rollback-release"} <= set(load_runbooks([tmp_path]))


def test_a_second_runbook_of_one_id_is_refused_with_both_files(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(TEXT.replace("id: restart", "id: rollback-release"))
    with pytest.raises(ConfigError, match=r"mine\.yaml: id: .*library/rollback-release\.yaml"):
        load_runbooks([tmp_path])


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nowhere is no folder"):
        load_runbooks([tmp_path / "nowhere"])


def test_an_unknown_runbook_is_answered_with_the_known_ones() -> None:
    with pytest.raises(NotFound, match="rollback-release"):
        find_runbook(RUNBOOKS, "rollback")


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("title: Restart a service", "", r"title: missing"),
        ("title:", "titel:", r"titel: unknown field; did you mean 'title'"),
        ("kind: command", "kind: shell", r"steps\[0\]: Input tag 'shell'"),
        ("kind: command, name: restart, ", "name: restart, ", r"steps\[0\]: Unable to extract tag"),
        ("argv: [systemctl, restart", 'argv: ["systemctl restart"', None),
        ("[systemctl, restart", '["{service}", restart', "must be the program"),
        ("[systemctl, restart,", "[sh, -c,", "shell script"),
        ('"{service}", "{replicas}"', '"{servce}", "{replicas}"', r"\{servce\} is not known here"),
        ('"{service}", "{replicas}"', '"--unit={service}"', "a parameter is a whole value"),
        ('"{service} serves v1"]', '"{service} is up"]', r"preconditions\[0\].*is no condition"),
        ('"{service} serves v1"]', '"{svc} serves v1"]', r"\{svc\} is no parameter"),
        ('effect_probe: "{service} serves v1"', "effect_probe: fine", "effect_probe.*no condition"),
        ("{service} answers", "{who} answers", r"expected_effect: \{who\} is no parameter"),
        ("{name: service}", "{name: service, pattern: '['}", "no regular expression"),
        ("{name: service}", "{name: Service}", r"parameters\[0\]\.name: 'Service'"),
        ("{name: service}", "{name: replicas}", "replicas is there 2 times"),
        ("default: 2", "default: 7", r"parameters\[1\]\.default: 7 is none of 1, 2, 3"),
        (
            "choices: [1, 2, 3]",
            "choices: [1, 2, x]",
            r"parameters\[1\]\.choices: 'x' is no integer",
        ),
        ("steps:", "steps: []\nother:", "other: unknown field"),
        ("name: restart, argv", "timeout_seconds: 0, name: restart, argv", "must be more than 0"),
    ],
)
def test_a_mistake_names_the_file_and_the_field(old: str, new: str, complaint: str | None) -> None:
    assert old in TEXT
    text = TEXT.replace(old, new, 1)
    if complaint is None:
        assert _parse(text).id == "restart"
        return
    with pytest.raises(ConfigError, match=complaint) as raised:
        _parse(text)
    assert str(FILE) in str(raised.value)


@pytest.mark.parametrize("weights", ["v1", "v1=50,v2", "=,=", "a{old}=50,v2=50"])
def test_weights_must_be_pairs(weights: str) -> None:
    text = TEXT + f"  - {{kind: weights, name: w, service: s, weights: '{weights}'}}\n"
    with pytest.raises(ConfigError, match=r"undo\[1\]\.weights"):
        _parse(text)


# ---- parameters ------------------------------------------------------------------------------

TYPED = _parse(
    """
id: typed
title: All types
parameters:
  - {name: word}
  - {name: free, pattern: ".*", required: false}
  - {name: count, type: integer, required: false}
  - {name: share, type: number, required: false}
  - {name: force, type: boolean, required: false}
  - {name: region, choices: [eu, us], default: eu}
steps: [{kind: command, name: x, argv: ["true", "{word}"]}]
"""
)


def test_values_are_written_as_text_and_defaults_are_filled_in() -> None:
    given: dict[str, Parameter] = {"word": "v1", "count": 3, "share": 12.5, "force": True}
    assert check_parameters(TYPED, given) == {
        "word": "v1",
        "count": "3",
        "share": "12.5",
        "force": "true",
        "region": "eu",
    }


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({}, "parameter word is missing"),
        ({"word": "v1", "wrod": "v2"}, "no parameter wrod"),
        ({"word": 1}, "1 is no string"),
        ({"word": "v1", "count": "3"}, "'3' is no integer"),
        ({"word": "v1", "count": True}, "True is no integer"),
        ({"word": "v1", "count": 3.0}, "3.0 is no integer"),
        ({"word": "v1", "share": float("nan")}, "nan is no number"),
        ({"word": "v1", "share": float("inf")}, "inf is no number"),
        ({"word": "v1", "share": False}, "False is no number"),
        ({"word": "v1", "force": 1}, "1 is no boolean"),
        ({"word": "v1", "region": "asia"}, "'asia' is none of eu, us"),
        ({"word": "v1; rm -rf /"}, "does not match"),
        ({"word": "$(id)"}, "does not match"),
        ({"word": "v1\n"}, "control characters"),
        ({"word": "--force"}, "as an option"),
        ({"word": "v1", "free": "-x"}, "as an option"),
        ({"word": "v1", "count": -5}, "as an option"),
        ({"word": "v1", "free": "a\x00b"}, "control characters"),
        ({"word": "v1", "free": "a\u2028b"}, "control characters"),
        ({"word": "v" * 501}, "too long"),
        ({"word": ""}, "does not match"),
    ],
)
def test_a_value_of_another_kind_is_refused(given: dict[str, Parameter], complaint: str) -> None:
    with pytest.raises(InputError, match="runbook typed") as raised:
        check_parameters(TYPED, given)
    assert complaint in str(raised.value)


def test_whatever_value_is_accepted_stays_one_whole_argument() -> None:
    """Random strings into a parameter that allows everything printable."""
    seeded = random.Random(5)
    alphabet = string.printable + "{}\0é\u2029"
    accepted = 0
    for _ in range(3000):
        value = "".join(seeded.choices(alphabet, k=seeded.randint(0, 8)))
        try:
            filled = check_parameters(TYPED, {"word": "v1", "free": value})
        except InputError:
            continue
        accepted += 1
        assert filled["free"] == value
        assert not value.startswith("-")
        assert not set(value) & set("\n\r\t\0\x0b\x0c\u2029")
    assert accepted > 300


def test_a_value_that_looks_like_a_placeholder_is_not_filled_in_again() -> None:
    text = TEXT.replace("{name: service}", "{name: service, pattern: '.*'}")
    text = text.replace("{service} serves v1", "shop serves v1")
    runbook = _parse(text)
    values = check_parameters(runbook, {"service": "{replicas}"})
    (step,) = filled_steps(runbook.steps, values)
    assert step.model_dump()["argv"][2] == "{replicas}"


# ---- planning --------------------------------------------------------------------------------


def _plan(world: WorldState, **parameters: str) -> None:
    plan_action(
        RUNBOOKS["rollback-release"],
        {"service": "shop", "from_version": "v2.0.1", "to_version": "v2.0.0"} | parameters,
        action_id="a",
        target="shop",
        world=world,
        expected_effect=EFFECT,
        blast_radius="shop",
    )


@pytest.mark.parametrize(
    ("world", "parameters", "complaint"),
    [
        (WorldState(), {}, "what serves shop is unknown"),
        (AFTER, {}, "as wanted already"),
        (BEFORE, {"to_version": "v2.0.1"}, "as wanted already"),
        (BEFORE, {"from_version": "v1.9.9"}, "shop serves v1.9.9 does not hold"),
        (BEFORE, {"service": "mail"}, "changes mail, not only shop"),
    ],
)
def test_what_cannot_work_is_not_planned(
    world: WorldState, parameters: dict[str, str], complaint: str
) -> None:
    with pytest.raises(InputError, match=complaint):
        _plan(world, **parameters)


def test_a_plan_carries_its_condition_its_probe_and_its_undo() -> None:
    action = rollback()
    assert action.preconditions == BEFORE
    assert (action.effect_probe.service, action.effect_probe.version) == ("shop", "v2.0.0")
    assert action.undo == action.plan
    assert action.risk == "medium"


# ---- lint ------------------------------------------------------------------------------------


def test_lint_says_what_a_careful_reviewer_would() -> None:
    bare = _parse(
        """
id: bare
title: Bare
parameters:
  - {name: a}
  - {name: unused, choices: [x]}
  - {name: maybe, required: false, pattern: x}
steps:
  - {kind: command, name: x, argv: ["true", "{a}", "{maybe}"], timeout_seconds: 7200}
"""
    )
    found = {(f.level, f.field) for f in lint(bare)}
    assert found == {
        ("warning", "parameters[0].pattern"),
        ("error", "parameters[2].default"),
        ("warning", "parameters[1]"),
        ("warning", "preconditions"),
        ("warning", "expected_effect"),
        ("error", "effect_probe"),
        ("error", "undo"),
        ("warning", "steps[0].timeout_seconds"),
    }


def test_a_runbook_without_an_undo_cannot_be_planned() -> None:
    irreversible = RUNBOOKS["rollback-release"].model_copy(update={"undo": ()})
    with pytest.raises(InputError, match="has no undo"):
        plan_action(
            irreversible,
            {"service": "shop", "from_version": "v2.0.1", "to_version": "v2.0.0"},
            action_id="a",
            target="shop",
            world=BEFORE,
            expected_effect=EFFECT,
            blast_radius="shop",
        )
