"""Installed from a wheel, outside the checkout, the command line finds its configuration and trains."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_a_built_wheel_runs_anywhere(tmp_path):
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)]
    done = subprocess.run(build, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    assert (site / "saddlegan" / "conf" / "config.yaml").is_file()
    assert (site / "saddlegan" / "weights" / "mnist_classifier.safetensors").is_file()
    assert (site / "hydra_plugins" / "saddlegan_sweeper.py").is_file()
    # -S -I would hide the dependencies too: the wheel goes first on the path, ahead of the checkout's.
    code = f"""
import sys
sys.path.insert(0, {str(site)!r})
import saddlegan.cli
assert saddlegan.__file__.startswith({str(site)!r}), saddlegan.__file__
sys.argv = ["saddlegan", "method=primal_dual", "num_seeds=2", "iterations=6", "evaluation.every=3", "output_root=o"]
saddlegan.cli.main()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = (tmp_path / "o").rglob("result.json")
    result = json.loads(path.read_text())
    assert result["status"] == "finished"
    assert result["commit"] is None, "a wheel belongs to no checkout"
