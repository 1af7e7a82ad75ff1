"""Where a result comes from: the commit is that of the checkout, and only where there is one."""

import importlib.util
import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest

from saddlegan import provenance


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A repository that holds a copy of the module, and that module: `(folder, module)`."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    source = tmp_path / "src" / "saddlegan" / "provenance.py"
    source.parent.mkdir(parents=True)
    source.write_text(Path(provenance.__file__).read_text())
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "config.yaml").write_text("seed: 0\n")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "--message=first")
    spec = importlib.util.spec_from_file_location("provenance_of_the_test", source)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return tmp_path, module


def git(folder, *arguments):
    return subprocess.run(["git", "-C", folder, *arguments], check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.parametrize("name", ["conf/config.yaml", "src/saddlegan/provenance.py"])
def test_the_commit_says_whether_the_sources_or_the_configuration_were_changed(checkout, name):
    folder, module = checkout
    head = git(folder, "rev-parse", "HEAD")
    (folder / "notes.txt").write_text("mine")
    (folder / "src" / "saddlegan" / "mine.txt").write_text("untracked")
    assert module.commit() == head
    (folder / name).write_text((folder / name).read_text() + "# changed\n")
    assert module.commit() == f"{head}+dirty"


def test_an_installed_package_does_not_take_the_commit_of_the_project_around_it(checkout):
    folder, module = checkout
    git(folder, "rm", "--cached", "--quiet", "src/saddlegan/provenance.py")
    assert module.commit() is None


def test_without_a_repository_or_without_git_there_is_no_commit(checkout, monkeypatch):
    folder, module = checkout
    (folder / ".git").rename(folder / "elsewhere")
    assert module.commit() is None
    (folder / "elsewhere").rename(folder / ".git")
    assert module.commit() is not None
    monkeypatch.setenv("PATH", str(folder / "nowhere"))
    assert module.commit() is None


def test_asking_for_the_commit_writes_nothing_into_the_repository(checkout):
    folder, module = checkout
    os.utime(folder / "conf" / "config.yaml", (1, 1))  # git would note that its content is the same
    before = (folder / ".git" / "index").read_bytes()
    module.commit()
    assert (folder / ".git" / "index").read_bytes() == before


@pytest.mark.parametrize(("own", "found"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_threads_wait_asleep_unless_the_user_wants_them_awake(saddlegan, monkeypatch, own, found):
    """Awake they take a busy machine's cores from whatever else runs, our own other runs among it."""
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    if own:
        monkeypatch.setenv("OMP_WAIT_POLICY", own)
    assert saddlegan("method=nothing")[0] == 2
    assert os.environ["OMP_WAIT_POLICY"] == found


def test_versions_are_those_of_what_computes():
    found = provenance.versions()
    assert found["python"] == platform.python_version()
    assert {"saddlegan", "torch", "torchvision", "torchmetrics", "lightning", "numpy", "scipy"} <= found.keys()
    assert found["torch"] == version("torch")
