"""The laboratory's command: `saddlegan-theory [NAME ...]` runs experiments of theory and writes one report of them.

Each experiment leaves a folder, so that running one again keeps the others in the report. torch is imported by the
experiments that need it, after the arguments were checked.
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from saddlegan.checks import ConfigError, nearest
from saddlegan.folder import FAILURE, write_json
from saddlegan.provenance import commit, versions
from saddlegan.report import write_report
from saddlegan.theory import EXPERIMENTS

RUNS = [Path("outputs/mnist"), Path("outputs/reference/mnist")]


def main(arguments: Sequence[str] | None = None) -> int:
    """0: every experiment ran; 1: one failed, the others are reported; 2: a wrong argument; 130: interrupted."""
    options = _parse(arguments)
    options.given = [f"--{name} {folder}" for name in ("runs", "data") if (folder := getattr(options, name))]
    try:
        _check(options)
        names = [name for name in EXPERIMENTS if name in (options.names or EXPERIMENTS)]
        ran = [_run(name, options) for name in names]
        print(write_report([options.output], options.output / "report"))
    except ConfigError as error:
        print(f"saddlegan-theory: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"saddlegan-theory: cannot write: {error}; name another place by --output", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("saddlegan-theory: interrupted. Finished sections stay; name the others to run them.", file=sys.stderr)
        return 130
    return 0 if all(ran) else 1


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="saddlegan-theory",
        description="Theory of GANs as experiments that run in seconds, with a report of pictures and verdicts.",
        epilog="experiments:\n" + "\n".join(f"  {name:24}{about}" for name, about in EXPERIMENTS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="experiments to run (default: all)")
    add = {
        "--output": "where to write (default: outputs/theory)",
        "--runs": f"finished image runs whose losses are looked at (default: {' or '.join(map(str, RUNS))})",
        "--data": "where MNIST lies, in MNIST/raw (default: the environment variable SADDLEGAN_DATA, else data)",
    }
    for option, text in add.items():
        parser.add_argument(option, type=Path, metavar="DIR", help=text)
    return parser.parse_args(arguments)


def _check(options: argparse.Namespace) -> None:
    """Raise `ConfigError` for names and folders that do not exist; fill in the defaults of those not given."""
    for name in options.names:
        if name not in EXPERIMENTS:
            expected = ", ".join(EXPERIMENTS)
            raise ConfigError(f"{name}: got no experiment, expected one of: {expected}.{nearest(name, EXPERIMENTS)}")
    for option in ("runs", "data"):
        folder = getattr(options, option)
        if folder and not folder.is_dir():
            raise ConfigError(f"--{option} {folder}: got no folder, expected one that exists.")
    options.output = options.output or Path("outputs/theory")
    if options.output.name == "report":
        raise ConfigError(f"--output {options.output}: got the name of a report's folder. Remedy: another name.")
    options.runs = [options.runs] if options.runs else RUNS
    options.data = options.data or Path(os.environ.get("SADDLEGAN_DATA") or "data")


def _run(name: str, options: argparse.Namespace) -> bool:
    """Run one experiment and keep what it hands over; whether it ran.

    A failure is words in its folder and here; what an earlier run left there is kept.
    """
    folder, start = options.output / name, time.perf_counter()
    about = {
        "number": list(EXPERIMENTS).index(name) + 1,
        "command": " ".join(["saddlegan-theory", name, *options.given]),
    }
    folder.mkdir(parents=True, exist_ok=True)
    try:
        module = import_module(f"saddlegan.theory.{name}")
        section = module.section(**{key: getattr(options, key) for key in getattr(module, "OPTIONS", ())})
        seconds = round(time.perf_counter() - start, 1)
        section.write(folder, about | {"seconds": seconds, "versions": versions(), "commit": commit()})
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
        print(f"{name}: failed: {text}", file=sys.stderr)
        write_json(folder / FAILURE, about | {"error": text})
        return False
    for statement, verdict in section.findings:
        print(f"{name}: {verdict.verdict.replace('_', ' ')}: {statement.id}")
    print(f"{name}: {seconds} s", flush=True)
    return True


if __name__ == "__main__":
    sys.exit(main())
