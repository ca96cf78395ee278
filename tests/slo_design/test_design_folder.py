"""The folder of a design: written as a whole, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.errors import EvidenceError, InputError
from holdfast.slo.design.files import FILES, RULE_TESTS_FILE, RULES_FILE
from holdfast.slo.design.folder import write_folder
from holdfast.slo.files.promtool import find_promtool

RULES = "groups: [{name: a, rules: [{record: 'a:b', expr: vector(1)}]}]\n"
TESTS = f"rule_files: [{RULES_FILE}]\nevaluation_interval: 1m\ntests: []\n"


def files(**changes: str) -> dict[str, str]:
    texts = dict.fromkeys(sorted(FILES), "a text\n")
    return {**texts, RULES_FILE: RULES, RULE_TESTS_FILE: TESTS, **changes}


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_all_files_stand_there_at_once_and_nothing_beside(tmp_path: Path) -> None:
    write_folder(files(), tmp_path / "slo")
    assert left(tmp_path) == ["slo"]
    assert set(left(tmp_path / "slo")) == FILES
    assert (tmp_path / "slo" / RULES_FILE).read_text() == RULES


def test_what_promtool_refuses_is_not_written_and_says_why(tmp_path: Path) -> None:
    if find_promtool() is None:
        pytest.skip("the program `promtool` is not installed")
    wrong = files(**{RULES_FILE: "groups: [{name: a, rules: [{record: 'a:b', expr: 'sum('}]}]"})
    with pytest.raises(EvidenceError, match=r"promtool refused rules\.yaml.*parse"):
        write_folder(wrong, tmp_path / "slo")
    assert left(tmp_path) == []


def test_a_folder_that_exists_is_kept_unless_forced(tmp_path: Path) -> None:
    write_folder(files(), tmp_path / "slo")
    with pytest.raises(InputError, match=r"--output: .*slo exists and is kept"):
        write_folder(files(**{"slo.yaml": "new"}), tmp_path / "slo")
    assert (tmp_path / "slo" / "slo.yaml").read_text() == "a text\n"
    write_folder(files(**{"slo.yaml": "new"}), tmp_path / "slo", force=True)
    assert (tmp_path / "slo" / "slo.yaml").read_text() == "new"
    assert left(tmp_path) == ["slo"]


def test_a_folder_with_other_files_is_never_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match=r"holds thesis\.txt, which is no file of a design"):
        write_folder(files(), folder, force=True)
    assert (folder / "thesis.txt").read_text() == "years of work"
    assert left(tmp_path) == ["mine"]


@pytest.mark.parametrize("made", ["file", "link"])
def test_a_file_or_a_link_is_no_folder(tmp_path: Path, made: str) -> None:
    target = tmp_path / "slo"
    if made == "file":
        target.write_text("a file")
    else:
        target.symlink_to(tmp_path / "nowhere")
    with pytest.raises(InputError, match="is no folder of files"):
        write_folder(files(), target, force=True)


def test_a_missing_parent_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no folder"):
        write_folder(files(), tmp_path / "a" / "slo")
    assert left(tmp_path) == []


def test_where_the_move_fails_the_old_folder_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_folder(files(), tmp_path / "slo")
    rename = Path.rename

    def failing(self: Path, target: Path) -> Path:
        if self.name.startswith(".slo.") and "old" not in str(self):
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(OSError, match="No space"):
        write_folder(files(**{"slo.yaml": "new"}), tmp_path / "slo", force=True)
    assert left(tmp_path) == ["slo"]
    assert (tmp_path / "slo" / "slo.yaml").read_text() == "a text\n"
