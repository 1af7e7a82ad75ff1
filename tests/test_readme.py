"""What the README and the pages of docs/ promise: their numbers are those of outputs/reference, their links lead
somewhere, and the example of a variant works."""

import importlib.util
import re
import sys

import pytest
import torch
from conftest import CONF, results
from oracles import optimal_discriminator_error

ROOT = CONF.parent
README = (ROOT / "README.md").read_text()
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.fixture(scope="module")
def reference():
    """The script that fills in the pages, and the texts of their blocks."""
    spec = importlib.util.spec_from_file_location("reference", ROOT / "scripts" / "reference.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script, script.blocks()


@pytest.mark.thorough
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_generated_number_is_that_of_the_reference_runs(page, reference):
    script, written = reference
    assert page in script.PAGES
    assert script.filled(page.read_text(), written) == page.read_text(), "run scripts/reference.py"


@pytest.mark.thorough
def test_every_block_stands_on_one_page(reference):
    found = [name for page in PAGES for name in re.findall(r"<!-- ([\w-]+): generated", page.read_text())]
    assert sorted(found) == sorted(reference[1])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_whatever_is_linked_exists(page):
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()) if not link.startswith("http")]
    assert [link for link in links if not (page.parent / link).is_file()] == []


def test_the_first_page_is_short_and_has_pictures():
    assert len(README.splitlines()) < 200
    assert len(re.findall(r"!\[[^]]+\]\(outputs/", README)) >= 2


@pytest.fixture
def variant(tmp_path, monkeypatch):
    """The README's two files in a project of the user's own, found with --config-dir."""
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    (yaml,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    (tmp_path / "mine_smoothed.py").write_text(code)
    folder = tmp_path / "conf" / "method"
    folder.mkdir(parents=True)
    (folder / "smoothed.yaml").write_text(yaml.replace("saddlegan.methods.smoothed", "mine_smoothed"))
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path / "conf"
    sys.modules.pop("mine_smoothed", None)


def test_the_example_of_a_variant_trains_passes_its_oracle_and_is_reported(variant, saddlegan, tmp_path):
    status, output = saddlegan("-m", f"--config-dir={variant}", "method=gan,smoothed", "report.reference=gan")
    assert status == 0, output
    found = {result["choices"]["method"]: result for result in results(tmp_path).values()}
    assert found["smoothed"]["status"] == "finished"
    real, fake = torch.randn(2, 1, 200, 1, generator=torch.Generator().manual_seed(0))
    assert optimal_discriminator_error(sys.modules["mine_smoothed"].Smoothed.objective, real, 0.3 + fake).max() < 1e-9
    assert "smoothed" in (tmp_path / "runs" / "report" / "report.md").read_text()


def test_the_example_is_checked_before_training(variant, saddlegan):
    status, output = saddlegan(f"--config-dir={variant}", "method=smoothed", "method.num_critic_steps=0")
    assert status == 2
    assert "method.num_critic_steps=0" in output
