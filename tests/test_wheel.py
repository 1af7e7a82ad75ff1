"""Installed from a wheel, outside the checkout, the command line finds its configuration and trains."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def called(tmp_path_factory):
    """Call the wheel's command line in a process of its own, `called("method=gan")`: its status, what it said, and
    where it was called. The wheel's files are in `site` there."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(build, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = folder.glob("*.whl")
    site = folder / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    # -S -I would hide the dependencies too: the wheel goes first on the path, ahead of the checkout's.
    code = f"""
import sys
sys.path.insert(0, {str(site)!r})
import saddlegan.cli, saddlegan.provenance
assert saddlegan.__file__.startswith({str(site)!r}), saddlegan.__file__
assert saddlegan.provenance.commit() is None, "a wheel belongs to no checkout"
sys.argv[0] = "saddlegan"
saddlegan.cli.main()
"""

    def call(*arguments):
        done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, cwd=folder)
        return done.returncode, done.stdout + done.stderr, folder

    return call


def test_a_built_wheel_has_its_files_and_composes_anywhere(called):
    status, output, folder = called("--cfg=job", "experiment=gaussian_1d", "method=primal_dual", "hydra/launcher=slurm")
    assert status == 0, output
    assert "saddlegan.methods.primal_dual.PrimalDual" in output
    status, output, _ = called("metod=gan")
    assert (status, "Did you mean 'method'?" in output) == (2, True), output
    assert (folder / "site" / "saddlegan" / "conf" / "config.yaml").is_file()
    for name in ("mnist_classifier", "emoji_classifier"):
        assert (folder / "site" / "saddlegan" / "weights" / f"{name}.safetensors").is_file()
    assert (folder / "site" / "hydra_plugins" / "saddlegan_sweeper.py").is_file()


@pytest.mark.slow
def test_a_built_wheel_trains_anywhere(called):
    settings = ("method=primal_dual", "num_seeds=2", "iterations=6", "evaluation.every=3", "output_root=o")
    status, output, folder = called(*settings)
    assert status == 0, output
    (path,) = (folder / "o").rglob("result.json")
    result = json.loads(path.read_text())
    assert result["status"] == "finished"
    assert result["commit"] is None, "a wheel belongs to no checkout"
