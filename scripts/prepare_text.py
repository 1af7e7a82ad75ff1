"""The text of the reference runs, the King James Bible, a verse a line, from Debian's package bible-kjv.

    apt-get install bible-kjv
    python scripts/prepare_text.py data/text/kjv.txt

It is in the public domain; the program that prints it is not needed afterwards.
"""

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

from saddlegan.files import write_whole

#: A line that begins a verse, `  30 And to every beast`; one that goes on has no number.
VERSE = re.compile(r"^ {2,}(\d+) (.*)$")


def verses(printed: str) -> list[str]:
    """The verses of what `bible` prints: without numbers and headings of chapters, each in one line."""
    found: list[str] = []
    lines = printed.splitlines()
    for before, line, after in zip(["", *lines], lines, [*lines[1:], ""], strict=False):
        if begins := VERSE.match(line):
            found.append(begins[2].strip())
        elif line and not (before == after == "" and re.fullmatch(r"[\w ]+ \d+", line)):
            found[-1] += " " + line.strip()
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path, help="where the text goes, e.g. data/text/kjv.txt")
    options = parser.parse_args()
    if shutil.which("bible") is None:
        print("prepare_text.py: got no program `bible`. Remedy: apt-get install bible-kjv.", file=sys.stderr)
        return 2
    printed = subprocess.run(("bible", "gen1:1-rev22:21"), capture_output=True, text=True, check=True).stdout
    options.output.parent.mkdir(parents=True, exist_ok=True)
    with write_whole(options.output) as partial:
        partial.write_text("".join(f"{verse}\n" for verse in verses(printed)), encoding="utf-8")
    print(options.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
