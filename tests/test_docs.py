"""What the docs say of every operator is what the code does."""

from __future__ import annotations

import argparse
import ast
import configparser
import json
import re
import shlex
import subprocess
import sys
from importlib.metadata import metadata
from pathlib import Path
from typing import Any

import pytest
from airflow.cli import cli_parser
from airflow.sdk import Connection

from airflow_provider_ops.cli import __main__ as cli
from airflow_provider_ops.provider_info import connection_types, get_provider_info
from airflow_provider_ops.simulator.__main__ import _parser as simulator_parser
from dev import commands, configuration, examples, timeouts

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
#: What the tests run, or is the package that they test.
RUN = ["dags_examples", "docs/examples", "airflow_provider_ops", "tests"]
APIS = {api.name: api for api in timeouts.apis()}
#: Operators whose docs say more than the number.
SAID_WITH_IT = dict.fromkeys(
    ("LakeSailCreateSessionOperator", "AkuaCreateRepositoryChangeRequestOperator"), ", does not wait by default"
)


def _kinds() -> list[tuple[str, str, str]]:
    found = {
        (api, case["operator"], case["submitted"]["kind"])
        for api in APIS
        for file in (ROOT / "tests" / "apis" / "golden").glob(f"{api}*.json")
        for case in json.loads(file.read_text())
        if "operator" in case
    }
    return sorted(found)


def test_the_page_of_timeouts_is_printed_from_the_code() -> None:
    assert timeouts.PAGE.read_text() == timeouts.page(), "run `make docs/reference/timeouts.md`"


@pytest.mark.parametrize("generator", [configuration, commands], ids=lambda one: one.__name__)
def test_the_pages_of_configuration_and_commands_are_printed_from_the_code(generator: Any) -> None:
    assert generator.PAGE.read_text() == generator.page(), "run `make docs`"


@pytest.mark.parametrize(("api", "operator", "kind"), _kinds())
def test_every_operator_is_in_the_table_with_its_default_timeout(api: str, operator: str, kind: str) -> None:
    page = (ROOT / "docs" / "reference" / "apis" / f"{api}.md").read_text()
    rows = [line.split("|") for line in page.splitlines() if re.match(rf"\|.*`{operator}\b", line)]
    assert [row[3].strip() for row in rows] == [
        timeouts.duration(APIS[api].default_timeout(kind)) + SAID_WITH_IT.get(operator, "")
    ]


PROMISES = ROOT / "docs" / "explanation" / "promises.md"


def _guarantees(page: Path) -> list[str]:
    text = page.read_text()
    return text[text.index("| guarantee | test |") :].split("\n\n")[0].splitlines()[2:]


def test_the_readme_promises_nothing_that_the_page_of_all_guarantees_does_not() -> None:
    def promised(page: Path) -> set[str]:
        # links differ between the two
        return {re.sub(r"\]\[\w+\]|\]\([^)]*\)", "]", row) for row in _guarantees(page)}

    assert promised(ROOT / "README.md") < promised(PROMISES)


def test_every_guarantee_names_tests_that_exist() -> None:
    rows = _guarantees(PROMISES)
    there = "".join(file.read_text() for file in (ROOT / "tests").rglob("test_*.py"))
    assert len(rows) > 15
    for row in rows:
        names = re.findall(r"`(test_\w+)`", row)
        assert names or "`make guarantees`" in row, row
        assert [name for name in names if f"def {name}(" not in there] == [], row


def test_every_row_of_the_guarantees_table_that_a_promise_names_is_there() -> None:
    text = PROMISES.read_text()
    table = (ROOT / "docs" / "explanation" / "guarantees.md").read_text()
    named = re.findall(r"\*([^*\n]+?)(?: \.\.\.)?\*", "".join(re.findall(r"rows (\*.*?)(?:;|\|)", text)))
    assert len(named) > 8
    assert [name for name in named if name not in table] == []


def _blocks(language: str) -> list[Any]:
    fence = re.compile(rf"^```{language}\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    return [
        pytest.param(block, id=f"{page.relative_to(ROOT)}:{page.read_text()[: match.start()].count(chr(10)) + 2}")
        for page in PAGES
        for match in fence.finditer(page.read_text())
        for block in [match[1]]
    ]


def _flush_left(code: str) -> str:
    # pages show the body of a function without its indentation
    return "\n".join(line.strip() for line in code.strip().splitlines())


@pytest.fixture(scope="session")
def sources() -> str:
    files = [file for folder in RUN for file in sorted((ROOT / folder).rglob("*.py"))]
    return "\n".join(_flush_left(file.read_text()) for file in files)


@pytest.mark.parametrize("block", _blocks("python"))
def test_every_python_block_stands_in_a_file_that_is_run(block: str, sources: str) -> None:
    paragraphs = _flush_left(block).split("\n\n")
    assert [paragraph for paragraph in paragraphs if paragraph.strip() not in sources] == []


def test_python_on_a_page_for_users_can_be_read_without_scrolling() -> None:
    width = 92  # of a block on the site, where the window is wide enough for the whole page
    blocks = [one for one in _blocks("python") if not str(one.id).startswith("docs/development")]
    lines = [f"{one.id}: {line}" for one in blocks for line in str(one.values[0]).splitlines() if len(line) > width]
    assert lines == []


def test_the_dag_that_a_newcomer_copies_is_a_whole_file() -> None:
    whole = f"```python\n{(ROOT / 'docs' / 'examples' / 'quickstart.py').read_text()}```"
    pages = ("README.md", "docs/tutorial/quickstart.md")
    assert [page for page in pages if whole not in (ROOT / page).read_text()] == []


#: Options of Airflow itself, in 3.2 and later.
AIRFLOWS_OPTIONS = [("triggerer", "queues_enabled")]


@pytest.mark.parametrize("block", _blocks("ini"))
def test_every_option_in_an_ini_block_is_one_that_is_read(block: str, sources: str) -> None:
    (parsed := configparser.ConfigParser()).read_string(block)
    options = [(section, option) for section in parsed.sections() for option in parsed.options(section)]
    assert options
    ours = [names for names in options if names not in AIRFLOWS_OPTIONS]
    assert [names for names in ours if '("{}", "{}"'.format(*names) not in sources] == []


#: What else a page may show, and which test runs that.
OTHER_BLOCKS = {
    ("docs/development/releasing.md", "text"): "tests/dev/test_artifacts.py",
    ("docs/reference/simulator.md", "json"): "tests/simulator/test_docs.py",
    ("docs/reference/simulator.md", ""): "tests/simulator/test_docs.py",
    ("docs/tutorial/describe-your-api.md", "yaml"): "tests/spec/test_docs.py",
    ("docs/reference/spec-keys.md", "yaml"): "tests/spec/test_docs.py",
    ("docs/reference/troubleshooting.md", "text"): "tests/messages/test_messages.py",
}


def test_there_is_no_other_block_than_those_that_tests_run() -> None:
    known = ("python", "bash", "ini", "{literalinclude}", "{include}", "{toctree}", "{eval-rst}")
    found = set()
    for page in PAGES:
        opens = re.findall(r"^```(.*)$", page.read_text(), re.MULTILINE)[::2]
        found |= {(str(page.relative_to(ROOT)), one.split(" ")[0]) for one in opens if not one.startswith(known)}
    assert found == set(OTHER_BLOCKS)


def _check_make(arguments: list[str]) -> None:
    targets = set(re.findall(r"^([a-z][a-z/.-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {one for one in arguments if "=" not in one and one != "&&"} <= targets


def _check_airflow(arguments: list[str]) -> None:
    if arguments[0] == "operations":
        # Airflow knows these only where the package is installed, and since 3.2
        cli.make_parser().parse_args(arguments[1:])
        return
    cli_parser.get_parser().parse_args(arguments)


def _check_module(arguments: list[str]) -> None:
    assert arguments[0] == "-m"
    parsers: dict[str, argparse.ArgumentParser] = {
        "airflow_provider_ops.simulator": simulator_parser(),
        "airflow_provider_ops.cli": cli.make_parser(),
    }
    parsers[arguments[1]].parse_args(arguments[2:])


def _check_export(arguments: list[str]) -> None:
    name, _, value = arguments[0].partition("=")
    if name.startswith("AIRFLOW__"):
        _, section, option = name.lower().split("__")
        assert option in get_provider_info()["config"][section]["options"]
        return
    assert name.startswith("AIRFLOW_CONN_")
    assert Connection.from_json(value, conn_id=name).conn_type in connection_types()


def _check_pip(arguments: list[str]) -> None:
    project = re.search(r'^name = "(.*)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert project is not None
    if "--constraint" in arguments:
        *arguments, _, constraints = arguments
        assert (ROOT / constraints).is_file()
    command, *others, wanted = arguments
    assert others in ([], ["apache-airflow"])
    assert (command, re.sub(r"\[\w+\]$", "", wanted)) == ("install", project[1])
    assert "[" not in wanted or wanted.partition("[")[2][:-1] in metadata(project[1]).get_all("Provides-Extra", [])


CHECKS = {
    "pip": _check_pip,
    "make": _check_make,
    "airflow": _check_airflow,
    "python": _check_module,
    "export": _check_export,
}


@pytest.mark.parametrize("block", _blocks("bash"))
def test_every_command_in_a_bash_block_is_one_that_exists(block: str) -> None:
    for line in block.strip().splitlines():
        command, *arguments = shlex.split(line, comments=True)
        CHECKS[command](arguments)


def _texts() -> list[str]:
    """All texts of the package, a placeholder of an f-string cut out."""
    found = []
    for file in (ROOT / "airflow_provider_ops").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.JoinedStr):
                found.append("".join(str(v.value) if isinstance(v, ast.Constant) else "\0" for v in node.values))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return found


def test_every_log_line_in_the_troubleshooting_is_one_that_can_appear() -> None:
    page = (ROOT / "dev" / "messages.md").read_text().split("## Airflow's own")[0]
    quoted = [
        text for title in re.findall(r"^### (.*)$", page, re.MULTILINE) for text in re.findall(r"`([^`]+)`", title)
    ]
    texts = _texts()
    assert len(quoted) > 8
    assert [text for text in quoted if not any(text in one for one in texts)] == []


def test_every_example_dag_is_on_the_page_of_examples() -> None:
    assert examples.PAGE.read_text() == examples.page(), "run `make docs/guides/examples.md`"


def test_every_file_that_architecture_design_and_decisions_name_exists() -> None:
    pages = [
        *(ROOT / "docs" / "explanation" / name for name in ("architecture.md", "design.md")),
        *(ROOT / "docs/explanation/decisions").glob("*.md"),
    ]
    named = {name for page in pages for name in re.findall(r"`([\w/.]+(?:\.py|/))`", page.read_text())}
    places = [ROOT, ROOT / "airflow_provider_ops"]
    assert len(named) > 40
    assert sorted(name for name in named if not any((place / name).exists() for place in places)) == []


@pytest.mark.timeout(400)  # it imports everything and renders each name; on a busy machine that takes minutes
def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("sphinx", reason="the generator of the site needs Python 3.11")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", "docs", str(tmp_path / "site")]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (built.returncode, built.stderr) == (0, "")
    assert (tmp_path / "site" / "reference" / "troubleshooting.html").exists()
