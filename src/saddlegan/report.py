"""The report of a sweep: run folders -> report.md, report.html, results.csv, settings.csv, claims.json, figures/*.png.

Imports neither torch nor lightning. `saddlegan-report FOLDER [FOLDER ...] [--output DIR]`.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from saddlegan import claims
from saddlegan.files import write_whole
from saddlegan.reporting import notes, page, pictures, quality, spread, tables
from saddlegan.reporting.experiment import Experiment
from saddlegan.reporting.ledger import Finding, entry, paragraphs
from saddlegan.reporting.results import Results, load_results
from saddlegan.reporting.runs import NoRuns, Problem
from saddlegan.reporting.sections import Loaded, blocks, load_sections, overview
from saddlegan.reporting.tables import escape

LARGE = 40  # settings above which the full table is left to settings.csv


def write_report(runs: Sequence[Path], folder: Path) -> Path:
    """Report on the run folders at or below `runs`; returns the path of report.html in `folder`.

    Raises `NoRuns` where there is nothing to report on, OSError where `folder` cannot be written.
    """
    theory, faults = load_sections(runs)
    results = load_results(runs, needed=not theory and not faults)
    folder.mkdir(parents=True, exist_ok=True)
    ledger, unknown = claims.decide(results)
    problems = [*results.problems, *faults]
    problems += [
        Problem("unknown", f"claim {name}", "the experiment names it, but it does not exist") for name in unknown
    ]
    says: dict[str, dict[str, str]] = {}
    for claim, _ in ledger:
        for name in claim.experiments:
            says.setdefault(name, {}).update(claim.says)
    sections, frames = [], []
    for experiment in results.experiments.values():
        text, frame, found = _experiment(experiment, says.get(experiment.name, {}), folder)
        sections.append(text)
        frames.append(frame)
        problems += found
    sections += [block for section in theory for block in blocks(section, folder)]
    names = [*(run.experiment for run in results.runs), *["theory"] * bool(theory)]
    title = "Report" + ": " * bool(names) + ", ".join(dict.fromkeys(names))
    parts = [f"# {escape(title)}", _verdicts(ledger, theory), _what_was_run(results), *sections, _problems(problems)]
    text = "\n\n".join(part for part in parts if part) + "\n"
    _write(folder / "results.csv", results.table.to_csv(index=False))
    _write(folder / "settings.csv", pd.concat(frames).to_csv(index=False) if frames else "")
    entries = [entry(claim, verdict, claim.experiments) for claim, verdict in ledger]
    entries += [finding for section in theory for finding in section.content.findings]
    _write(folder / "claims.json", json.dumps(entries, indent=2, ensure_ascii=False) + "\n")
    _write(folder / "report.html", page.render(text, escape(title), folder))
    _write(folder / "report.md", text)
    return folder / "report.html"


def main(arguments: Sequence[str] | None = None) -> int:
    """`saddlegan-report`: 0 when the report is written, 2 when there is nothing to report on or no place to write."""
    parser = argparse.ArgumentParser(
        prog="saddlegan-report", description="Tables, figures and verdicts from run folders."
    )
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="a run folder, or a folder above runs")
    parser.add_argument("--output", type=Path, metavar="DIR", help="where to write (default: FOLDER/report)")
    options = parser.parse_args(arguments)
    try:
        print(write_report(options.folders, options.output or options.folders[0] / "report"))
    except NoRuns as error:
        print(f"saddlegan-report: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"saddlegan-report: cannot write the report: {error}; name another place by --output", file=sys.stderr)
        return 2
    return 0


def _verdicts(ledger: Sequence[Finding], theory: Sequence[Loaded]) -> str:
    """Of runs in full; those of theory stand in full in their sections, and here in a table."""
    parts = [text for finding in ledger for text in paragraphs(*finding)]
    if theory:
        parts.append(overview(theory))
    return "\n\n".join(["## Verdicts", *parts]) if parts else ""


def _what_was_run(results: Results) -> str:
    """Commands, device, versions and commit, each as often as they differ."""
    if not results.runs:
        return ""

    def distinct(values: Iterable[object], most: int = 4) -> str:
        found = list(dict.fromkeys(str(value) for value in values if value))
        more = f" and {len(found) - most} more" if len(found) > most else ""
        return ", ".join(f"<code>{escape(value)}</code>" for value in found[:most]) + more or "not recorded"

    each = [run.result for run in results.runs]
    versions = (f"{name} {version}" for result in each for name, version in result.versions.items())
    seconds = sum(result.seconds for result in each)
    rows = [
        f"- **Repeat it**: {distinct(_commands(results))}",
        f"- **Runs**: {len(each)}, {seconds / 60:.1f} minutes in all",
        f"- **Device**: {distinct(result.device for result in each)}",
        f"- **Versions**: {distinct(versions, 12)}",
        f"- **Commit**: {distinct(result.commit for result in each)}",
    ]
    if extractors := {run.extractor for run in results.runs if run.extractor}:
        rows.append(f"- **Extractor of features** (SHA-256): {distinct(sorted(extractors))}")
    return "## What was run\n\n" + "\n".join(rows)


def _commands(results: Results) -> list[str]:
    """What starts the runs again: of an experiment the words that its runs' commands share, else each command."""
    commands = []
    for name in dict.fromkeys(run.experiment for run in results.runs):
        words = [run.result.command.split() for run in results.runs if run.experiment == name]
        shared = [word for word in words[0] if all(word in other for other in words)]
        each = [shared] if f"experiment={name}" in shared else words
        commands += [" ".join(word for word in line if not word.startswith("output_root=")) for line in each]
    return commands


def _experiment(
    experiment: Experiment, says: Mapping[str, str], folder: Path
) -> tuple[str, pd.DataFrame, list[Problem]]:
    """The section of one experiment, its settings as a table for settings.csv, and files that could not be read."""
    summary, compared = tables.summary(experiment), tables.comparisons(experiment)
    drawn, texts, problems = pictures.draw(experiment, folder / "figures")
    metric, large = experiment.about(experiment.metric).name, len(summary) > LARGE
    note, paired_note = notes.summary_note(experiment), notes.paired_note(experiment)
    blocks = [f"## {escape(experiment.name)}: {escape(metric)}", *filter(None, [notes.usual_note(experiment)])]
    if large and len(compared):
        blocks += ["### Settings against the reference", tables.overview_table(experiment, compared), paired_note]
    elif large:
        blocks += [tables.main_table(experiment, summary.head(LARGE), says), note]
    else:
        blocks += [tables.main_table(experiment, summary, says), note]
    if not large and len(compared):
        blocks += ["### Paired comparison", tables.paired_table(compared), paired_note]
    if search := spread.searched(experiment):
        blocks += ["### Settings of each method, from the best to the worst", spread.spread_table(search, says)]
    blocks += quality.beside_real(
        experiment, pictures.representative(experiment) if large else list(experiment.settings)
    )
    blocks += texts
    for picture in drawn:
        caption = escape(picture.caption)
        blocks += [f"![{caption}]({picture.path.relative_to(folder).as_posix()})", f"*{caption}*"]
    if large:
        blocks.append(f"All {len(summary)} settings: `settings.csv`. All seeds and stops: `results.csv`.")
    if experiment.reference and len(summary) > 1 and not len(compared):
        why = f"no setting could be compared with report.reference={experiment.reference}: name a method or a setting"
        problems = [*problems, Problem("unknown", experiment.name, why)]
    both = summary.merge(compared.drop(columns="seeds"), on="setting", how="left")
    return "\n\n".join(blocks), tables.flat(both).assign(experiment=experiment.name), problems


def _problems(problems: Sequence[Problem]) -> str:
    if not problems:
        return "## Problems\n\nNone: no run failed, diverged, is missing or damaged."
    rows = [(problem.what, problem.where, problem.why) for problem in problems]
    return "## Problems\n\n" + tables.markdown(["what", "where", "why"], rows)


def _write(path: Path, text: str) -> None:
    with write_whole(path) as partial:  # two sweeps over the same runs may end at the same time
        partial.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
