"""A release with a file too many, one too few, or other bytes in each build is refused."""

from __future__ import annotations

import re
import tarfile
import zipfile
from pathlib import Path

import pytest

from dev import artifacts
from dev.artifacts import CONTENTS, NotAsItShould

ROOT = Path(__file__).parents[2]
INFO = "airflow_provider_ops-0.2.0.dist-info/METADATA"


def wheel(folder: Path, *more: str, without: str = "") -> Path:
    made = folder / "airflow_provider_ops-0.2.0-py3-none-any.whl"
    files = [name if "." in name else f"{name}/x.py" for name in CONTENTS if name != without]
    with zipfile.ZipFile(made, "w") as packed:
        for name in [*(f"airflow_provider_ops/{file}" for file in files), INFO, *more]:
            packed.writestr(name, "")
    return made


def test_the_list_of_contents_is_the_checkout_and_the_examples() -> None:
    here = {path.name for path in (ROOT / "airflow_provider_ops").iterdir()} - {"__pycache__"}
    assert here | {"example_dags"} == CONTENTS


def test_a_wheel_with_what_it_should_have_passes(tmp_path: Path) -> None:
    artifacts.check_wheel(wheel(tmp_path))


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ("tests/test_a.py", "tests"),
        ("airflow_provider_ops/scratch.py", "scratch.py"),
        ("airflow_provider_ops/spec/golden.json", "spec/golden.json"),
        ("airflow_provider_ops/view/shot.png", "view/shot.png"),
    ],
)
def test_a_file_too_many_is_named(more: str, named: str, tmp_path: Path) -> None:
    with pytest.raises(NotAsItShould, match=named):
        artifacts.check_wheel(wheel(tmp_path, more))


@pytest.mark.parametrize("without", ["py.typed", "example_dags"])
def test_a_missing_file_is_named(without: str, tmp_path: Path) -> None:
    with pytest.raises(NotAsItShould, match=f"lacks {without}"):
        artifacts.check_wheel(wheel(tmp_path, without=without))


def test_a_large_wheel_is_a_mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = wheel(tmp_path)
    monkeypatch.setattr(artifacts, "SIZE_LIMIT", made.stat().st_size - 1)
    with pytest.raises(NotAsItShould, match="bytes"):
        artifacts.check_wheel(made)


def test_an_sdist_without_the_tests_is_refused(tmp_path: Path) -> None:
    made = tmp_path / "a.tar.gz"
    with tarfile.open(made, "w:gz") as archive:
        for name in artifacts.SOURCES - {"tests"}:
            archive.add(ROOT / "LICENSE", f"a/{name}")
    with pytest.raises(NotAsItShould, match="lacks tests"):
        artifacts.check_sdist(made)


def test_two_builds_with_other_bytes_are_named(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.whl").write_text(name)
        (tmp_path / name / "a.tar.gz").write_text("same")
    one, two = (artifacts.hashes(tmp_path / name) for name in ("one", "two"))
    artifacts.check_reproducible(one, one)
    with pytest.raises(NotAsItShould, match=r"differs in a\.whl$"):
        artifacts.check_reproducible(one, two)


def test_the_page_on_releasing_has_the_commands_that_are_printed() -> None:
    page = (ROOT / "docs" / "development" / "releasing.md").read_text()
    (block,) = re.findall(r"^```text\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    dist, twine = ".cache/release/dist", ".cache/release/tools/bin/twine"
    printed = artifacts.next_steps("0.2.0", {}, dist, twine, has_urls=True).splitlines()[1:]
    assert block.splitlines() == [line.strip() for line in printed]


def test_only_a_release_is_tagged() -> None:
    made = {"a.whl": "abc"}
    assert "git tag --sign v0.2.0 " in artifacts.next_steps("0.2.0", made, "dist", "twine", has_urls=True)
    assert "git tag" not in artifacts.next_steps("0.2.0.dev0", made, "dist", "twine", has_urls=True)
    assert "[project.urls]" in artifacts.next_steps("0.2.0", made, "dist", "twine", has_urls=False)
