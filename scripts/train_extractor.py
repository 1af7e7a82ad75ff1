"""Train a classifier that serves as feature extractor: twenty epochs of shifted and turned images with labels.

    python scripts/train_extractor.py --output FILE data=mnist model=mnist_mlp    minutes on two cores

Takes data as `saddlegan` does, of any size, in grey or colour; those of your own configuration files with
'hydra.searchpath=[FOLDER]' and a model that goes with them. Prints the accuracy on the test images and the
file's SHA-256; `evaluation.extractor=FILE` measures with it. The shipped ones are those of MNIST, and of the groups of
data=emoji.
"""

import argparse
import hashlib
from collections.abc import Sequence
from pathlib import Path

import torch
from hydra.errors import HydraException
from hydra.utils import instantiate
from safetensors.torch import save_file
from torch.nn.functional import affine_grid, cross_entropy, grid_sample

from saddlegan import compose
from saddlegan.checks import ConfigError
from saddlegan.data.images import Images, unit
from saddlegan.extractor import Classifier

BATCH = 250


def jitter(images: torch.Tensor) -> torch.Tensor:
    """Each image turned by up to 12 degrees, scaled by up to 12 %, shifted by up to 2 pixels."""
    n = len(images)
    angle = (torch.rand(n) * 2 - 1) * 0.21
    scale = 1 + (torch.rand(n) * 2 - 1) * 0.12
    shift = (torch.rand(n, 2) * 2 - 1) * 2 / 14
    rows = torch.stack([angle.cos(), -angle.sin(), shift[:, 0], angle.sin(), angle.cos(), shift[:, 1]], -1)
    theta = rows.view(n, 2, 3) * torch.cat([scale[:, None, None].expand(n, 2, 2), torch.ones(n, 2, 1)], -1)
    return grid_sample(images, affine_grid(theta, list(images.shape), align_corners=False), align_corners=False)


def accuracy(model: Classifier, images: torch.Tensor, labels: torch.Tensor) -> float:
    model.eval()
    with torch.no_grad():
        right = sum(
            int((model(x).argmax(-1) == y).sum()) for x, y in zip(images.split(1000), labels.split(1000), strict=True)
        )
    return right / len(labels)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("overrides", nargs="+", metavar="data=NAME")
    options = parser.parse_args(arguments)
    torch.manual_seed(0)
    try:
        data = instantiate(compose(*options.overrides)["data"])
    except (ConfigError, HydraException) as error:
        parser.error(str(error))
    if not isinstance(data, Images) or data.train_labels is None or data.classes is None:
        parser.error(f"got {type(data).__name__}, expected images with labels and a name of their classes (`classes`)")
    labels = {"train": data.train_labels, "test": data.test_labels}
    images = {"train": unit(data.train), "test": unit(data.test)}
    model = Classifier(data.shape, data.sizes["label"])
    batch = min(BATCH, len(images["train"]))
    steps = options.epochs * (len(images["train"]) // batch)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=6e-3, total_steps=steps)
    for epoch in range(options.epochs):
        model.train()
        order = torch.randperm(len(images["train"]))
        for index in order[: len(order) // batch * batch].split(batch):
            optimizer.zero_grad()
            logits = model(jitter(images["train"][index]))
            cross_entropy(logits, labels["train"][index]).backward()
            optimizer.step()
            schedule.step()
        print(f"epoch {epoch + 1}: test accuracy {accuracy(model, images['test'], labels['test']):.4f}", flush=True)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    found = accuracy(model, images["test"], labels["test"])
    shape = " ".join(map(str, data.shape))
    about = {"dataset": data.classes, "shape": shape, "test_accuracy": f"{found:.4f}"}
    save_file({name: value.contiguous() for name, value in model.state_dict().items()}, options.output, metadata=about)
    print(f"accuracy {found:.4f}, {options.output.stat().st_size / 1e3:.0f} kB")
    print(f"sha256 {hashlib.sha256(options.output.read_bytes()).hexdigest()}")


if __name__ == "__main__":
    main()
