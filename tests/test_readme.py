"""The README's promises: its numbers are those of outputs/reference, and its example of a variant works."""

import importlib.util
import re
import sys

import pytest
from conftest import CONF, results

ROOT = CONF.parent
README = (ROOT / "README.md").read_text()


def test_every_generated_number_is_that_of_the_reference_runs():
    spec = importlib.util.spec_from_file_location("reference", ROOT / "scripts" / "reference.py")
    reference = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reference)
    assert reference.filled(README) == README, "run scripts/reference.py"


def test_every_picture_and_report_that_is_linked_exists():
    links = re.findall(r"\]\((outputs/[^)]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).is_file()] == []


@pytest.fixture
def variant(tmp_path, monkeypatch):
    """The README's two files in a project of the user's own, found with --config-dir."""
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    (yaml,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    (tmp_path / "mine_lsgan.py").write_text(code)
    folder = tmp_path / "conf" / "method"
    folder.mkdir(parents=True)
    (folder / "lsgan.yaml").write_text(yaml.replace("saddlegan.methods.lsgan", "mine_lsgan"))
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path / "conf"
    sys.modules.pop("mine_lsgan", None)


def test_the_example_of_a_variant_trains_passes_its_oracle_and_is_reported(variant, saddlegan, tmp_path):
    status, output = saddlegan("-m", f"--config-dir={variant}", "method=gan,lsgan", "report.reference=gan")
    assert status == 0, output
    found = {result["choices"]["method"]: result for result in results(tmp_path).values()}
    assert found["lsgan"]["status"] == "finished"
    assert max(found["lsgan"]["final"]["optimal_discriminator_error"]) < 1e-9
    assert "lsgan" in (tmp_path / "runs" / "report" / "report.md").read_text()


def test_the_example_is_checked_before_training(variant, saddlegan):
    status, output = saddlegan(f"--config-dir={variant}", "method=lsgan", "method.num_critic_steps=0")
    assert status == 2
    assert "method.num_critic_steps=0" in output
