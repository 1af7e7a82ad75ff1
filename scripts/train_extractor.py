"""Train a classifier that serves as feature extractor: twenty epochs of shifted and turned images.

    python scripts/train_extractor.py --data mnist --root DIR --output FILE    minutes on two cores

DIR holds MNIST/raw (or FashionMNIST/raw, KMNIST/raw) as torchvision writes it. Prints the accuracy on the 10 000 test
images and the file's SHA-256; `evaluation.extractor=FILE` measures with it. The shipped one is that of MNIST.
"""

import argparse
import hashlib
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch.nn.functional import affine_grid, cross_entropy, grid_sample
from torchvision import datasets

from saddlegan.data.files import FOLDERS
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--data", choices=sorted(FOLDERS), required=True)
    parser.add_argument("--epochs", type=int, default=20)
    options = parser.parse_args()
    torch.manual_seed(0)
    kind = getattr(datasets, FOLDERS[options.data])
    sets = {part: kind(options.root, train=part == "train") for part in ("train", "test")}
    images, labels = ({part: getattr(s, what) for part, s in sets.items()} for what in ("data", "targets"))
    images = {part: x[:, None].float() / 255 for part, x in images.items()}
    model = Classifier()
    steps = options.epochs * (len(images["train"]) // BATCH)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=6e-3, total_steps=steps)
    for epoch in range(options.epochs):
        model.train()
        order = torch.randperm(len(images["train"]))
        for index in order[: len(order) // BATCH * BATCH].split(BATCH):
            optimizer.zero_grad()
            logits = model(jitter(images["train"][index]))
            cross_entropy(logits, labels["train"][index]).backward()
            optimizer.step()
            schedule.step()
        print(f"epoch {epoch + 1}: test accuracy {accuracy(model, images['test'], labels['test']):.4f}", flush=True)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    found = accuracy(model, images["test"], labels["test"])
    about = {"dataset": options.data, "test_accuracy": f"{found:.4f}"}
    save_file({name: value.contiguous() for name, value in model.state_dict().items()}, options.output, metadata=about)
    print(f"accuracy {found:.4f}, {options.output.stat().st_size / 1e3:.0f} kB")
    print(f"sha256 {hashlib.sha256(options.output.read_bytes()).hexdigest()}")


if __name__ == "__main__":
    main()
