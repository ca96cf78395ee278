"""A team's own commands set configuration and flags: conditionally, and never through a shell."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.delivery.registry import settings_by_service
from holdfast.delivery.running import RunningMark
from holdfast.delivery.settings import CommandSettings
from holdfast.errors import ConfigError, DeployerFailed, DeployerTimeout, PreconditionFailed
from holdfast.model.config import Config, MetricsSettings
from holdfast.model.service import Service
from support.settings_tool import SettingsTool

BEFORE = {"shop": {"POOL_SIZE": "1", "GREETING": "good day"}}


@pytest.fixture
def tool(tmp_path: Path) -> SettingsTool:
    return SettingsTool(tmp_path / "team", BEFORE)


def _set(
    settings: CommandSettings,
    value: str = "20",
    *,
    expect: str = "1",
    key: str = "POOL_SIZE",
    idempotency_key: str = "act-1.act.1",
    timeout_seconds: float = 10.0,
) -> None:
    settings.set(
        "shop",
        key,
        value,
        expect_value=expect,
        idempotency_key=idempotency_key,
        timeout_seconds=timeout_seconds,
    )


def test_a_setting_is_read_and_set(tool: SettingsTool) -> None:
    settings = tool.settings()
    assert settings.current("shop") == BEFORE["shop"]
    _set(settings)
    assert tool.state()["shop"]["POOL_SIZE"] == "20"
    assert tool.log() == [["shop", "POOL_SIZE", "20", "1", "act-1.act.1"]]


def test_the_same_key_a_second_time_does_nothing_more(tool: SettingsTool) -> None:
    settings = tool.settings()
    _set(settings)
    tool.set_state(BEFORE)
    _set(settings)
    assert len(tool.log()) == 1


def test_another_value_in_force_is_left_alone(tool: SettingsTool) -> None:
    settings = tool.settings()
    with pytest.raises(PreconditionFailed, match="POOL_SIZE of shop is '1', not '2'"):
        _set(settings, expect="2")
    with pytest.raises(PreconditionFailed, match="NEW of shop is not set"):
        _set(settings, key="NEW")
    assert tool.log() == []


def test_a_value_is_one_argument_whatever_it_holds(tool: SettingsTool) -> None:
    nasty = "$(touch owned); `id` 'x' \"y\" {service}"
    _set(tool.settings(), nasty, key="GREETING", expect="good day")
    assert tool.state()["shop"]["GREETING"] == nasty
    assert not (tool.folder / "owned").exists()


@pytest.mark.parametrize("value", ["--force", "a\nb", "a\0b", "v" * 501])
def test_what_could_be_read_as_an_option_or_a_line_is_refused(
    tool: SettingsTool, value: str
) -> None:
    with pytest.raises(DeployerFailed, match="nothing was done"):
        _set(tool.settings(), value)
    assert tool.log() == []


@pytest.mark.parametrize(
    ("mood", "error", "words"),
    [
        ("babbles", DeployerFailed, "no JSON object"),
        ("unreachable", DeployerFailed, "is refused"),
        ("fails", DeployerFailed, "ended with 3"),
        ("hangs", DeployerTimeout, "did not end within"),
    ],
)
def test_a_tool_in_trouble_is_told_apart(
    tool: SettingsTool, mood: str, error: type[Exception], words: str
) -> None:
    tool.set_mood(mood)
    with pytest.raises(error, match=words) as raised:
        _set(tool.settings(), timeout_seconds=0.5)
    assert "hunter2secret" not in str(raised.value)


def test_while_an_earlier_command_runs_nothing_is_known_and_nothing_is_begun(
    tool: SettingsTool, tmp_path: Path
) -> None:
    settings = tool.settings(marks=tmp_path / "marks")
    _set(settings)
    (lock,) = (tmp_path / "marks").iterdir()
    with RunningMark(lock).held():
        with pytest.raises(DeployerTimeout, match="under way"):
            settings.current("shop")
        with pytest.raises(DeployerTimeout):
            _set(settings, "30", expect="20", idempotency_key="other")
    assert len(tool.log()) == 1


def test_templates_that_are_not_safe_are_refused(tool: SettingsTool) -> None:
    for changes, words in (
        ({"settings_set": ("set", "{key}", "{value}")}, "expect_value"),
        ({"settings_set": ("sh", "-c", "set {value} {expect_value}")}, "shell script"),
        ({"settings_current": ("show", "{version}")}, "not known here"),
    ):
        with pytest.raises(ConfigError, match=words):
            CommandSettings(tool.configured(**changes), working_folder=tool.folder)


def test_a_service_has_the_settings_of_its_deployer(tool: SettingsTool, tmp_path: Path) -> None:
    config = Config(
        data_folder=tmp_path,
        metrics=MetricsSettings(url="http://127.0.0.1:9"),
        services=(Service(name="shop", deployer="team"), Service(name="mail")),
        deployers=(tool.configured(),),
    )
    found = settings_by_service(config, working_folder=tool.folder)
    assert list(found) == ["shop"]
    assert found["shop"].current("shop") == BEFORE["shop"]
    bare = tool.configured(settings_current=(), settings_set=())
    config = config.model_copy(update={"deployers": (bare,)})
    assert settings_by_service(config, working_folder=tool.folder) == {}
