"""`holdfast.yaml`: what it says, and how a mistake in it is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.catalog.config import dump_config, load_config
from holdfast.catalog.openslo import to_openslo
from holdfast.errors import ConfigError
from holdfast.model.service import Signal

GOOD = """
environment: staging
data_folder: data
metrics:
  url: http://127.0.0.1:9090
services:
  - name: shop
    depends_on: [api]
    repository: repos/shop
    deployer: ours
    logs: {paths: ["logs/shop-*.jsonl"]}
    signals:
      slow_ratio: sum by ($by) (rate(slow[$window])) / sum by ($by) (rate(all[$window]))
      latency_p95_seconds: histogram_quantile(0.95, sum by (le, $by) (rate(d_bucket[$window])))
  - name: api
slos:
  - name: shop-availability
    service: shop
    kind: availability
    objective: 0.995
    period_seconds: 2592000
    indicator:
      bad_query: sum(rate(http_requests_total{code=~"5.."}[$window]))
      total_query: sum(rate(http_requests_total[$window]))
    tiers:
      - {name: fast, action: page, budget_fraction: 0.02, long_window_seconds: 3600,
         short_window_seconds: 300}
deployers:
  - name: ours
    kind: command
    current: [./bin/current, "{service}"]
    deploy: [kubectl, set, image, "{service}={version}"]
changes:
  - {kind: git_tags, path: repos/shop, service: shop}
policy: policy.yaml
runbooks: [runbooks]
"""


def write(folder: Path, text: str) -> Path:
    file = folder / "holdfast.yaml"
    file.write_text(text)
    return file


def mistake(folder: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(write(folder, text))
    assert str(folder / "holdfast.yaml") in str(caught.value)
    return str(caught.value)


def test_relative_paths_are_those_of_the_files_folder(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, GOOD))
    assert config.data_folder == tmp_path / "data"
    assert config.policy == tmp_path / "policy.yaml"
    assert config.runbooks == (tmp_path / "runbooks",)
    assert config.changes[0].path == tmp_path / "repos/shop"
    shop = config.services[0]
    assert shop.repository == str(tmp_path / "repos/shop")
    assert shop.logs is not None
    assert shop.logs.paths == (str(tmp_path / "logs/shop-*.jsonl"),)
    assert Signal.SLOW_RATIO in shop.signals


def test_a_program_beside_the_file_is_found_and_one_on_path_is_left(tmp_path: Path) -> None:
    deployer = load_config(write(tmp_path, GOOD)).deployers[0]
    assert deployer.current[0] == str(tmp_path / "bin/current")
    assert deployer.deploy[0] == "kubectl"


def test_a_dumped_configuration_loads_back_the_same(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, GOOD))
    assert load_config(write(tmp_path, dump_config(config))) == config


def test_an_slo_entry_may_be_the_path_of_an_openslo_file(tmp_path: Path) -> None:
    slo = load_config(write(tmp_path, GOOD)).slos[0]
    (tmp_path / "slo.yaml").write_text(to_openslo(slo))
    head, tail = GOOD.split("slos:")
    text = head + "slos: [slo.yaml]\n" + tail[tail.index("deployers:") :]
    assert load_config(write(tmp_path, text)).slos == (slo,)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("environment: staging", "enviroment: staging", "did you mean 'environment'"),
        ("depends_on: [api]", "depends_on: [apo]", "services[0].depends_on[0]: there is no serv"),
        ("depends_on: [api]", "depends_on: [shop]", "names itself"),
        ("deployer: ours", "deployer: theirs", "services[0].deployer: there is no deployer"),
        ("    service: shop\n    kind", "    service: sho\n    kind", "slos[0].service: there is"),
        ("sum(rate(http_requests_total[$window]))", "sum(rate(x[5m]))", "no $window in"),
        ("sum(rate(http_requests_total[$window]))", "sum(rate(x[$window])", "is not PromQL"),
        ("objective: 0.995", "objective: 99.5", "slos[0].objective: Input should be less than 1"),
        ("    kind: availability\n", "", "slos[0].kind: missing"),
        ("kind: availability", "kind: latency", "slos[0].threshold_seconds: missing"),
        ("url: http://127.0.0.1:9090", "kind: recorder", "metrics.path: missing"),
        ("url: http://127.0.0.1:9090", "url: 127.0.0.1:9090", "metrics.url"),
        ("{service}={version}", "{servcie}={version}", "unknown placeholder {servcie}"),
        ("short_window_seconds: 300", "short_window_seconds: 4000", "must be shorter"),
        ("period_seconds: 2592000", "period_seconds: 600", "longer than the period"),
        ("  - name: api", "  - name: shop", "is given 2 times"),
        ("policy: policy.yaml", "policy: a\npolicy: b", "stands twice"),
        ("environment: staging", "environment: [", "line"),
        ("environment: staging", "revenue_per_request: 3", "a currency"),
        ("path: repos/shop, service: shop", "path: repos/shop", "changes[0].service: missing"),
        ("repository: repos/shop", "version_label: service.version", "version_label"),
    ],
)
def test_a_mistake_is_named_with_its_file_and_field(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    assert old in GOOD
    assert said in mistake(tmp_path, GOOD.replace(old, new, 1))


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("depends_on: [api]", "depends_on: [apo]").replace(
        "ours\n    logs", "x\n    logs"
    )
    said = mistake(tmp_path, text)
    assert "2 mistakes" in said
    assert "apo" in said
    assert "there is no deployer 'x'" in said


def test_an_unknown_placeholder_in_a_template_is_refused(tmp_path: Path) -> None:
    assert "unknown placeholder $window_" in mistake(
        tmp_path, GOOD.replace("rate(slow[$window])", "rate(slow[$window_])")
    )


def test_labels_to_keep_are_refused_in_an_slo(tmp_path: Path) -> None:
    text = GOOD.replace(
        "sum(rate(http_requests_total[$window]))", "sum by ($by) (rate(x[$window]))"
    )
    assert "slos[0].indicator.total_query: unknown placeholder $by" in mistake(tmp_path, text)


def test_a_file_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.yaml: there is no such configuration"):
        load_config(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "just words"])
def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path, text: str) -> None:
    assert "one mapping of fields is needed" in mistake(tmp_path, text)
