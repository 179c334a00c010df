"""What a release consists of: the contents of wheel and sdist, their metadata, their bytes, and the SBOM."""

from __future__ import annotations

import hashlib
import json
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, Final

#: Folders and files of the package in the wheel.
CONTENTS: Final = frozenset(
    [
        "__init__.py",
        "_compat.py",
        "apis",
        "cli",
        "core",
        "decorators",
        "example_dags",
        "exceptions.py",
        "hooks",
        "http",
        "lifecycle",
        "lineage",
        "links.py",
        "metrics.py",
        "operation.py",
        "operators",
        "polling",
        "provider_info.py",
        "py.typed",
        "retry_policy.py",
        "sensors",
        "simulator",
        "spec",
        "specs",
        "testing",
        "tracing.py",
        "triggers",
        "view",
    ]
)
#: What the sdist has beside its metadata.
SOURCES: Final = frozenset({"airflow_provider_ops", "dags_examples", "tests", "CHANGELOG.md", "LICENSE", "README.md"})
_SDIST_METADATA: Final = frozenset({"PKG-INFO", "pyproject.toml", ".gitignore"})
#: Code, specs, and what the tab shows; no tests, pictures or recorded data.
SUFFIXES: Final = frozenset({".py", ".pyi", ".typed", ".yaml", ".js", ".css", ".html", ".svg"})
#: Bytes of the wheel.
SIZE_LIMIT: Final = 1_000_000
PACKAGE: Final = "airflow_provider_ops"
#: Name of the root component of the SBOM.
_ROOT: Final = "airflow-provider-ops"


class NotAsItShould(Exception):
    """What is wrong with a release."""


def check_wheel(wheel: Path) -> None:
    """Check that the wheel has the folders of the package, nothing else, and no large file by mistake."""
    with zipfile.ZipFile(wheel) as packed:
        names = [PurePosixPath(name) for name in packed.namelist()]
    _compare(wheel, {name.parts[0] for name in names if not name.parts[0].endswith(".dist-info")}, {PACKAGE})
    inside = [name for name in names if name.parts[0] == PACKAGE]
    _compare(wheel, {name.parts[1] for name in inside}, CONTENTS)
    if strange := sorted({str(name) for name in inside if name.suffix not in SUFFIXES}):
        raise NotAsItShould(f"{wheel.name} has files that users do not need: {', '.join(strange[:5])}")
    if (size := wheel.stat().st_size) > SIZE_LIMIT:
        raise NotAsItShould(f"{wheel.name} has {size:,} bytes; more than {SIZE_LIMIT:,} are a mistake")


def check_sdist(sdist: Path) -> None:
    """Check that the sdist has what the wheel is built and tested from."""
    with tarfile.open(sdist) as archive:
        top = {PurePosixPath(name).parts[1] for name in archive.getnames() if "/" in name}
    _compare(sdist, top - _SDIST_METADATA, SOURCES)


def _compare(file: Path, found: Iterable[str], expected: Iterable[str]) -> None:
    strangers, missing = set(found) - set(expected), set(expected) - set(found)
    if strangers:
        raise NotAsItShould(f"{file.name} has {', '.join(sorted(strangers))}, which no release has")
    if missing:
        raise NotAsItShould(f"{file.name} lacks {', '.join(sorted(missing))}")


def hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of wheel and sdist, by file name."""
    files = sorted([*folder.glob("*.whl"), *folder.glob("*.tar.gz")])
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def check_reproducible(first: Mapping[str, str], second: Mapping[str, str]) -> None:
    """Check that two builds gave the same bytes."""
    if differs := sorted(name for name in {*first, *second} if first.get(name) != second.get(name)):
        raise NotAsItShould(f"a second build, from the files that git knows, differs in {', '.join(differs)}")


def check_metadata(call: Callable[[Sequence[str]], str], tools: Path, files: Sequence[Path]) -> None:
    """Let twine read the metadata as an index would, and check-wheel-contents the wheel."""
    call([str(tools / "twine"), "check", "--strict", *map(str, files)])
    call([str(tools / "check-wheel-contents"), *(str(file) for file in files if file.suffix == ".whl")])


def make_sbom(call: Callable[[Sequence[str]], str], tools: Path, python: Path, project: Path, place: Path) -> int:
    """Write the SBOM of an environment with the wheel as CycloneDX JSON; return how many components it has."""
    how = ["--output-reproducible", "--spec-version", "1.6", "--output-format", "JSON", "--output-file", str(place)]
    call([str(tools / "cyclonedx-py"), "environment", "--pyproject", str(project), *how, str(python)])
    written: dict[str, Any] = json.loads(place.read_text(encoding="utf-8"))
    root = written["metadata"]["component"]["name"]
    names = {component["name"] for component in written["components"]}
    if root != _ROOT or not {"apache-airflow", "httpx"} <= names:
        raise NotAsItShould(f"{place.name} describes {root!r} with {len(names)} components: what runs it is missing")
    if "file:" in place.read_text(encoding="utf-8"):
        raise NotAsItShould(f"{place.name} names a path of this machine")
    return len(names)


def next_steps(version: str, made: Mapping[str, str], dist: str, twine: str, *, has_urls: bool) -> str:
    """Return what a maintainer does by hand once everything is checked."""
    sums = "".join(f"  {digest}  {name}\n" for name, digest in made.items())
    if ".dev" in version:
        return f"{sums}{version} is a development version: set the version first, see docs/development/releasing.md"
    urls = "" if has_urls else "\npyproject.toml has no project URLs: add [project.urls] before the first upload"
    return (
        f"{sums}To publish {version}:\n"
        f'  git tag --sign v{version} --message "airflow-provider-ops {version}"\n'
        f"  git verify-tag v{version}\n"
        f"  git push origin v{version}\n"
        f"  {twine} upload {dist}/*.whl {dist}/*.tar.gz{urls}"
    )
