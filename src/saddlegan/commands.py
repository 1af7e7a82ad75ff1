"""What is made of a trained run: `saddlegan-sample RUN [n=64] [output=FILE]`, `saddlegan-export RUN [output=DIR]`."""

import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from saddlegan.checks import Above, Annotated, ConfigError, check_value, nearest
from saddlegan.folder import SAMPLES

SAMPLE = """saddlegan-sample RUN [n=64] [label=7] [caption="..."] [output=FILE.png|.npz|.txt] [allow=PACKAGE,...]

Draws n samples per seed with the generator of a run folder, those of the latents that its evaluation uses first; where
its networks are given labels or captions, those of one label, by its number, or of one caption.
A .png shows them, or a .txt where they are text; a .npz holds `samples`, float32 of shape (seeds, n, *shape).
Default: RUN/figures/sample-64.png, or .txt."""
EXPORT = """saddlegan-export RUN [output=DIR] [allow=PACKAGE,...]

Writes the generator of a run folder as generator.safetensors and generator.json, which
saddlegan.interface.load_generator(DIR) reads without running any code of theirs. Default: RUN/export."""
#: Samples per seed that are drawn at most: one million fits into memory for images too.
MOST = 1_000_000


def sample(arguments: Sequence[str] | None = None) -> int:
    """`saddlegan-sample`: exit status 0, or 2 for arguments or a run that cannot be used."""

    def work(run: Path, options: dict[str, str]) -> Path:
        count = _whole("n", options.get("n", "64"), 64)
        check_value("n", Annotated[int, Above(0, most=MOST)], count)
        asked = {name: options[name] for name in ("label", "caption") if name in options}
        name = "-".join([f"sample-{count}", *(f"{key}-{_plain(value)}" for key, value in asked.items())])
        output = Path(options.get("output", run / "figures" / name)).expanduser()
        if "output" in options and output.suffix not in (".png", ".npz", ".txt"):
            raise ConfigError(
                f"output={output}: got a name that ends in '{output.suffix}', expected .png, .npz or, of text, .txt."
            )
        if output.resolve() == (run / SAMPLES).resolve():
            raise ConfigError(f"output={output}: got the run's own samples, from which its report is made.")
        from saddlegan.interface import asked_for, is_text, load, save_samples

        module = load(run, _allowed(options))
        conditions = asked_for(module, count, asked.get("label"), asked.get("caption"))
        if "output" not in options:
            output = output.with_suffix(".txt" if is_text(module) else ".png")
        output.parent.mkdir(parents=True, exist_ok=True)
        save_samples(module, count, output, conditions)
        return output

    return _command("saddlegan-sample", SAMPLE, ("n", "label", "caption", "output", "allow"), work, arguments)


def export(arguments: Sequence[str] | None = None) -> int:
    """`saddlegan-export`: exit status 0, or 2 for arguments or a run that cannot be used."""

    def work(run: Path, options: dict[str, str]) -> Path:
        from saddlegan.interface import load, save_generator

        return save_generator(load(run, _allowed(options)), Path(options.get("output", run / "export")).expanduser())

    return _command("saddlegan-export", EXPORT, ("output", "allow"), work, arguments)


def _command(
    name: str,
    usage: str,
    keys: Sequence[str],
    work: Callable[[Path, dict[str, str]], Path],
    arguments: Sequence[str] | None,
) -> int:
    """Read `RUN key=value ...`, do the work, and print where its result lies."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or {"-h", "--help"} & set(words):
        print(usage)
        return 0 if words else 2
    try:
        runs = [word for word in words if "=" not in word or Path(word).is_dir()]
        options = dict(word.split("=", 1) for word in words if word not in runs)
        if len(runs) != 1:
            raise ConfigError(f"got {len(runs)} run folders ({', '.join(runs)}), expected one. Remedy: {name} --help")
        for key in options.keys() - set(keys):
            choices = ", ".join(f"{key}=..." for key in keys)
            raise ConfigError(f"{key}={options[key]}: got an unknown key, expected {choices}.{nearest(key, keys)}")
        print(work(Path(runs[0]).expanduser(), options))
    except (ConfigError, OSError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 2
    return 0


def _allowed(options: dict[str, str]) -> list[str]:
    """The packages whose code a run may name besides this suite's own."""
    return [name for name in options.get("allow", "").strip("[]").split(",") if name]


def _whole(key: str, text: str, example: int) -> int:
    try:
        return int(text)
    except ValueError:
        raise ConfigError(f"{key}={text}: got {text!r}, expected a whole number, e.g. {key}={example}.") from None


def _plain(text: str) -> str:
    """What a file's name may hold of a text."""
    return re.sub(r"\W+", "_", text)[:40]
