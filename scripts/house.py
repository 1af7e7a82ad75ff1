"""docs/house.svg: the rooms of src/saddlegan and which of them imports which, drawn from the sources.

A room is a folder, or files of one topic beside the folders. Arrows point from what imports to what is imported; one is
left out where others lead to the same room.
"""

import ast
import os
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "saddlegan"
PICTURE = ROOT / "docs" / "house.svg"
#: Files beside the folders, by topic.
TOPICS = {
    "run folder": ("files", "folder", "identity", "lock", "provenance", "record", "resources"),
    "mathematics": ("checks", "random", "batch", "objectives", "penalties", "kernels"),
    "in Python": ("interface", "frozen", "commands"),
    "metrics": ("extractor",),
    "report": ("report",),
    "cli": ("__main__",),
}
#: The one arrow upwards, taken while training alone: the engine asks for a module, given its checkpoint.
UPWARDS = ("engine", "in Python")
#: Where a room stands from left, 0, to right, 10: training left, reports right, what both use between them.
COLUMNS = {
    **{"methods": 1, "engine": 2, "networks": 1, "cli": 3.6, "in Python": 3.6, "evaluation": 3.6, "metrics": 3.6},
    **{"config": 6, "report": 6.4, "claims": 7.6, "reporting": 7.2, "figures": 7.2, "theory": 9},
}
WALL, EDGE, INK = "#eceff3", "#8a97a8", "#27303c"


def room_of(module: str) -> str:
    """The room of `adversarial` in `saddlegan.engine.adversarial`, or of a file beside the folders."""
    return next((topic for topic, files in TOPICS.items() if module in files), module)


@cache
def house() -> dict[str, set[str]]:
    """{room: rooms that it imports}."""
    arrows: dict[str, set[str]] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        name = path.relative_to(SOURCE).parts[0].removesuffix(".py")
        if name == "__init__":
            continue
        room = room_of(name)
        found = {room_of(module) for module in parts(path)}
        arrows.setdefault(room, set()).update(other for other in found - {room} if (room, other) != UPWARDS)
    return arrows


def imported(path: Path) -> set[str]:
    """The full names that a file imports, also within a function."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def parts(path: Path) -> set[str]:
    """The parts of saddlegan that a file imports."""
    return {name.split(".")[1] for name in imported(path) if name.startswith("saddlegan.")}


def floors(arrows: dict[str, set[str]]) -> dict[str, int]:
    """{room: the longest way down from it}. Raises ValueError where there is a circle."""
    heights: dict[str, int] = {}

    def height(room: str, above: tuple[str, ...]) -> int:
        if room in above:
            raise ValueError(f"imports go in a circle: {' -> '.join([*above, room])}")
        if room not in heights:
            heights[room] = 1 + max((height(below, (*above, room)) for below in arrows[room]), default=-1)
        return heights[room]

    for room in arrows:
        height(room, ())
    return heights


def direct(arrows: dict[str, set[str]]) -> list[tuple[str, str]]:
    """The arrows that no longer way replaces."""

    def below(room: str) -> set[str]:
        return arrows[room].union(*(below(other) for other in arrows[room]))

    return [
        (room, other)
        for room, others in arrows.items()
        for other in sorted(others)
        if not any(other in below(third) for third in others - {other})
    ]


def described() -> str:
    """The house in words: what the picture was drawn from."""
    arrows = house()
    return "; ".join(f"{room} -> {', '.join(sorted(arrows[room])) or 'nothing'}" for room in sorted(arrows))


def draw(path: Path = PICTURE) -> None:
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.patches import FancyBboxPatch

    arrows = house()
    levels = floors(arrows)
    height = 1.2 * max(levels.values())
    places = {room: (COLUMNS.get(room, 5), 1.2 * level) for room, level in sorted(levels.items())}
    figure = Figure(figsize=(9, 0.8 * (height + 1)))
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, 10), ylim=(-0.5, height + 0.5))
    axes.set_axis_off()
    for room, other in direct(arrows):
        (x0, y0), (x1, y1) = places[room], places[other]
        axes.annotate("", (x1, y1 + 0.33), (x0, y0 - 0.3), arrowprops={"arrowstyle": "->", "color": EDGE}, zorder=0)
    for room, (x, y) in places.items():
        box = FancyBboxPatch((x - 0.85, y - 0.3), 1.7, 0.6, boxstyle="round,pad=0.03", fc=WALL, ec=EDGE, lw=0.8)
        axes.add_patch(box)
        axes.text(x, y, room, ha="center", va="center", size=10, color=INK, weight="bold")
    with mpl.rc_context({"svg.hashsalt": "house"}):
        figure.savefig(path, metadata={"Date": None, "Description": described()})


def drawn_from(path: Path = PICTURE) -> str:
    """What the picture says it was drawn from."""
    found = re.search(r"<dc:description>(.*?)</dc:description>", path.read_text(), re.DOTALL)
    return found[1].replace("&gt;", ">") if found else ""


if __name__ == "__main__":
    os.environ.setdefault("MPLBACKEND", "svg")
    draw()
