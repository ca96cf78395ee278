"""What changed: CDEvents files and the tags of real repositories."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from holdfast.catalog.cdevents import version_of
from holdfast.catalog.changes import ChangeLog
from holdfast.errors import SourceError, SourceUnavailable
from holdfast.model.change import Change, ChangeType
from holdfast.model.config import ChangesSettings, Config, MetricsSettings
from holdfast.model.service import Service

BEGIN = 1_750_000_000


def event(at: int, version: str = "", predicate: str = "upgraded", **custom: object) -> str:
    body = {
        "context": {
            "version": "0.4.1",
            "id": f"event-{at}",
            "source": "/deployer",
            "type": f"dev.cdevents.service.{predicate}.0.2.0",
            "timestamp": _iso(at),
        },
        "subject": {
            "id": "service/shop",
            "type": "service",
            "content": {
                "environment": {"id": custom.pop("environment", "production")},
                "artifactId": f"pkg:generic/shop@{version}" if version else None,
            },
        },
        "customData": custom,
    }
    return json.dumps(body) + "\n"


def _iso(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")


def log_of(*changes: ChangesSettings) -> ChangeLog:
    return ChangeLog(
        Config(
            metrics=MetricsSettings(url="http://127.0.0.1:9"),
            services=(Service(name="shop"),),
            changes=changes,
        )
    )


def events_of(folder: Path, *lines: str) -> ChangesSettings:
    file = folder / "changes.jsonl"
    file.write_text("".join(lines))
    return ChangesSettings(kind="cdevents", path=file)


def everything(log: ChangeLog) -> tuple[Change, ...]:
    return log(0, BEGIN * 2)


class Repository:
    """A real git repository."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.git("init", "-q")

    def git(self, *arguments: str, at: int = BEGIN) -> None:
        stamp = f"{at} +0000"
        identity = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.invalid"}
        identity |= {"GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.invalid"}
        dates = {"GIT_AUTHOR_DATE": stamp, "GIT_COMMITTER_DATE": stamp}
        clean = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
        env = {**os.environ, **identity, **dates, **clean}
        subprocess.run(["git", "-C", str(self.folder), *arguments], check=True, env=env)

    def commit(self, subject: str, at: int) -> None:
        self.git("commit", "-q", "--allow-empty", "-m", subject, at=at)

    def settings(self) -> ChangesSettings:
        return ChangesSettings(kind="git_tags", path=self.folder, service="shop")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    found = Repository(tmp_path / "shop")
    found.commit("First", BEGIN)
    found.git("tag", "v1.0.0")
    found.commit("Second", BEGIN + 100)
    found.git("tag", "-a", "v1.1.0", "-m", "Release 1.1.0\n\nlong text", at=BEGIN + 500)
    return found


def test_a_deployment_is_read_with_its_versions_and_times(tmp_path: Path) -> None:
    settings = events_of(
        tmp_path,
        event(
            BEGIN + 30,
            from_version="v1",
            to_version="v2",
            actor="ci",
            started_at=_iso(BEGIN),
            finished_at=_iso(BEGIN + 20),
        ),
    )
    (change,) = everything(log_of(settings))
    assert (change.service, change.from_version, change.to_version) == ("shop", "v1", "v2")
    assert change.at.timestamp() == BEGIN
    assert change.finished_at is not None
    assert change.finished_at.timestamp() == BEGIN + 20
    assert (change.type, change.predicate) == (ChangeType.DEPLOYMENT, "upgraded")
    assert (change.actor, change.id) == ("ci", f"event-{BEGIN + 30}")
    assert "changes.jsonl" in change.source


@pytest.mark.parametrize(
    ("predicate", "change_type", "kept"),
    [
        ("deployed", ChangeType.DEPLOYMENT, "deployed"),
        ("rolledback", ChangeType.DEPLOYMENT, "rolledback"),
        ("removed", ChangeType.DEPLOYMENT, "removed"),
        ("published", ChangeType.TRAFFIC, "changed"),
    ],
)
def test_each_predicate_of_a_service_is_a_change(
    tmp_path: Path, predicate: str, change_type: ChangeType, kept: str
) -> None:
    (change,) = everything(log_of(events_of(tmp_path, event(BEGIN, "v1", predicate))))
    assert (change.type, change.predicate) == (change_type, kept)


def test_builds_and_tests_change_nothing_in_production(tmp_path: Path) -> None:
    build = event(BEGIN).replace("service.upgraded", "build.finished")
    assert everything(log_of(events_of(tmp_path, build))) == ()


def run(at: int, part: str, **custom: object) -> str:
    return (
        event(
            at,
            "",
            "x",
            id="dep-1",
            service="shop",
            from_version="v1",
            to_version="v2",
            **custom,
        )
        .replace("service.x", f"pipelinerun.{part}")
        .replace("service/shop", "run-7")
    )


def test_a_deployment_under_way_is_a_change_and_its_end_the_same_one(tmp_path: Path) -> None:
    begun = run(BEGIN, "started", started_at=_iso(BEGIN))
    (change,) = everything(log_of(events_of(tmp_path, begun)))
    assert (change.id, change.service, change.to_version) == ("dep-1", "shop", "v2")
    assert change.finished_at is None
    ended = event(BEGIN + 9, id="dep-1", from_version="v1", to_version="v2", started_at=_iso(BEGIN))
    (change,) = everything(log_of(events_of(tmp_path, begun, ended)))
    assert change.at.timestamp() == BEGIN
    assert change.finished_at is not None


def test_an_event_that_was_delivered_twice_is_one_change(tmp_path: Path) -> None:
    line = event(BEGIN, "v1")
    other = line.replace("/deployer", "/other-deployer")
    assert len(everything(log_of(events_of(tmp_path, line, line, other)))) == 2


def test_a_deployment_that_failed_may_have_moved_traffic(tmp_path: Path) -> None:
    failed = run(BEGIN + 5, "finished", status="failed", error="no start", started_at=_iso(BEGIN))
    (change,) = everything(log_of(events_of(tmp_path, failed)))
    assert (change.predicate, change.summary) == ("changed", "failed: no start")


def test_a_pipeline_that_names_no_service_is_no_change(tmp_path: Path) -> None:
    build = event(BEGIN).replace("service.upgraded", "pipelinerun.started")
    assert everything(log_of(events_of(tmp_path, build))) == ()


def test_flags_and_configuration_are_custom_events(tmp_path: Path) -> None:
    told = event(BEGIN, setting="POOL_SIZE", from_value="40", to_value="1", actor="release train")
    flag = told.replace("dev.cdevents.service.upgraded", "dev.cdeventsx.ours-flag.changed")
    (change,) = everything(log_of(events_of(tmp_path, flag)))
    assert (change.type, change.predicate) == (ChangeType.FLAG, "changed")
    assert (change.setting, change.from_value, change.to_value) == ("POOL_SIZE", "40", "1")
    assert (change.from_version, change.to_version) == (None, None)


@pytest.mark.parametrize(
    ("package_url", "version"),
    [
        ("pkg:oci/shop@sha256%3Aabc?repository_url=r.example/shop&tag=v2", "v2"),
        ("pkg:generic/shop@v2.0.1", "v2.0.1"),
        ("pkg:npm/%40scope/shop@1.2.3#sub/path", "1.2.3"),
        ("pkg:generic/shop", None),
        (None, None),
    ],
)
def test_the_version_of_a_package_url(package_url: str | None, version: str | None) -> None:
    assert version_of(package_url) == version


def test_what_ran_before_follows_from_the_deployment_before(tmp_path: Path) -> None:
    settings = events_of(tmp_path, event(BEGIN, "v1", "deployed"), event(BEGIN + 50, "v2"))
    first, second = everything(log_of(settings))
    assert first.from_version is None
    assert second.from_version == "v1"
    (alone,) = log_of(settings)(BEGIN + 40, BEGIN + 60)
    assert alone.from_version == "v1"


def test_only_changes_of_the_window_are_returned_oldest_first(tmp_path: Path) -> None:
    settings = events_of(tmp_path, *(event(BEGIN + t, f"v{t}") for t in (20, 0, 10)))
    found = log_of(settings)(BEGIN, BEGIN + 10)
    assert [change.to_version for change in found] == ["v0", "v10"]


def test_a_change_under_way_in_the_window_counts(tmp_path: Path) -> None:
    line = event(BEGIN + 90, "v2", started_at=_iso(BEGIN))
    assert len(log_of(events_of(tmp_path, line))(BEGIN + 60, BEGIN + 70)) == 1


@pytest.mark.parametrize(
    "broken", ["not json\n", "{}\n", event(BEGIN).replace(_iso(BEGIN), "yesterday")]
)
def test_a_malformed_line_raises_with_file_and_line(tmp_path: Path, broken: str) -> None:
    log = log_of(events_of(tmp_path, event(BEGIN, "v1"), broken, event(BEGIN + 50, "v2")))
    with pytest.raises(SourceError, match=r"changes\.jsonl:2") as caught:
        log(BEGIN + 10, BEGIN + 60)
    assert "correct or remove the line" in str(caught.value)
    read = log.read(BEGIN + 10, BEGIN + 60)
    assert [change.to_version for change in read.changes] == ["v2"]
    assert "changes.jsonl:2" in read.gaps[0]


def test_a_malformed_line_of_another_time_hides_nothing(tmp_path: Path) -> None:
    log = log_of(events_of(tmp_path, event(BEGIN, "v1"), "{\n", event(BEGIN + 50, "v2")))
    assert [change.to_version for change in log(BEGIN + 51, BEGIN + 60)] == []
    assert [change.to_version for change in log(BEGIN - 60, BEGIN - 1)] == []


def test_a_line_that_is_being_written_is_a_gap_and_no_error(tmp_path: Path) -> None:
    log = log_of(events_of(tmp_path, event(BEGIN, "v1"), event(BEGIN + 50, "v2")[:60]))
    assert len(everything(log)) == 1
    assert "not complete yet" in log.read(0, BEGIN * 2).gaps[0]


def test_events_of_another_environment_are_left_out_and_counted(tmp_path: Path) -> None:
    settings = events_of(tmp_path, event(BEGIN, "v1"), event(BEGIN, "v2", environment="staging"))
    read = log_of(settings).read(0, BEGIN * 2)
    assert [change.to_version for change in read.changes] == ["v1"]
    assert "1 events of the environment 'staging'" in read.gaps[0]


def test_a_missing_file_is_unavailable_and_not_empty(tmp_path: Path) -> None:
    settings = ChangesSettings(kind="cdevents", path=tmp_path / "none.jsonl")
    with pytest.raises(SourceUnavailable, match=r"none\.jsonl"):
        everything(log_of(settings))


def test_tags_are_deployments_and_say_whose_time_they_have(repository: Repository) -> None:
    first, second = everything(log_of(repository.settings()))
    assert (first.to_version, first.at.timestamp()) == ("v1.0.0", BEGIN)
    assert "tag's commit" in first.source
    assert (second.to_version, second.at.timestamp()) == ("v1.1.0", BEGIN + 500)
    assert "annotated tag" in second.source
    assert "not recorded" in second.source
    assert (second.from_version, second.summary) == ("v1.0.0", "Release 1.1.0")


def test_a_folder_that_is_no_repository_is_unavailable(tmp_path: Path) -> None:
    settings = ChangesSettings(kind="git_tags", path=tmp_path / "none", service="shop")
    with pytest.raises(SourceUnavailable, match="cannot be read"):
        everything(log_of(settings))


def test_a_recorded_deployment_wins_over_its_tag(tmp_path: Path, repository: Repository) -> None:
    recorded = events_of(tmp_path, event(BEGIN + 900, "v1.1.0"))
    first, second = everything(log_of(recorded, repository.settings()))
    assert first.to_version == "v1.0.0"
    assert second.at.timestamp() == BEGIN + 900
    assert second.from_version == "v1.0.0"
    assert "CDEvents" in second.source
