"""Where a result comes from: versions and commit. No torch."""

import platform
import subprocess
from importlib.metadata import version
from pathlib import Path


def versions() -> dict[str, str]:
    packages = ("saddlegan", "torch", "torchvision", "torchmetrics", "lightning", "hydra-core", "numpy", "scipy")
    packages += ("scikit-learn",)
    return {name: version(name) for name in packages} | {"python": platform.python_version()}


def commit() -> str | None:
    """The commit of the checkout that this file belongs to, with `+dirty` where it was changed; None outside one."""

    def git(*arguments: str) -> str | None:
        command = ["git", "--no-optional-locks", "-C", str(Path(__file__).parent), *arguments]  # reads, and no more
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=10)
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    if git("ls-files", "--error-unmatch", Path(__file__).name) is None:
        return None
    head = git("rev-parse", "HEAD")
    return (
        f"{head}+dirty"
        if head and git("status", "--porcelain", "--untracked-files=no", "--", ".", "../../conf")
        else head
    )
