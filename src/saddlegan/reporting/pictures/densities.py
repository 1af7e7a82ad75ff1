"""Pictures of toys: generated against true density, all seeds of a setting pooled."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from saddlegan import figures
from saddlegan.reporting.arrays import Arrays
from saddlegan.reporting.pictures.selection import Picture

CAPTION = (
    "Generated (blue: the histogram pools all seeds, the lines above it are single seeds) against true (black);"
    " orange: D(x), median and quartiles."
)


def draw_densities(settings: Mapping[str, Sequence[Arrays]], stem: Path, which: str) -> list[Picture]:
    """One figure, a panel a setting; none where there is no setting."""
    if not settings:
        return []
    panels = [_panel(setting, files) for setting, files in settings.items()]
    path = figures.save_png(figures.density_figure(panels), stem.with_name(f"{stem.name}-density.png"))
    return [Picture(path, CAPTION + which)]


def _panel(setting: str, files: Sequence[Arrays]) -> figures.DensityPanel:
    first = files[0]
    curves = [
        a["discriminator"] for a in files if "discriminator" in a and np.array_equal(a["support"], first["support"])
    ]
    return figures.DensityPanel(
        title=setting,
        samples=np.concatenate([a["samples"] for a in files if a["samples"].shape[1] == first["samples"].shape[1]]),
        support=first["support"],
        density=first.get("density"),
        atoms=first.get("atoms"),
        discriminator=np.concatenate(curves) if curves else None,
    )
