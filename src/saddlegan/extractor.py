"""The fixed classifiers in whose features images are measured: small, shipped with the package, one trained on MNIST,
and one on the groups of emoji.

Numbers of different users compare because the weights are the same: their SHA-256 is part of every result.
`scripts/train_extractor.py` trained them.
"""

import hashlib
from contextlib import nullcontext
from pathlib import Path

import torch
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.torch import load
from torch import Tensor, nn
from torch.nn.functional import interpolate

from saddlegan.checks import ConfigError
from saddlegan.resources import SHIPPED

#: The shipped weights' hashes.
SHA256 = {
    "mnist": "165faa15cdb329fce4a06df19252ff961c6b32460bc8cfda60f7b09f02921f0b",
    "emoji_groups": "4dab76ed079b369fb69f5f8ff106db1b3fa0c2551ad119212930ba62a159b9d9",
}

REMEDY = "install the package again"

#: Images that pass through the network at once: bounds memory, whatever is asked for.
CHUNK = 1000


class Classifier(nn.Module):
    """Images `(n, *shape)` in [0, 1] to 128 features, after ReLU, and logits of `classes`; 110 thousand parameters for
    MNIST. `shape`: channels, and height and width of at least 8."""

    num_features = 128

    def __init__(self, shape: tuple[int, int, int] = (1, 28, 28), classes: int = 10) -> None:
        super().__init__()
        self.shape = shape
        channels, height, width = shape

        def block(inputs: int, outputs: int) -> list[nn.Module]:
            return [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]

        self.body = nn.Sequential(
            *block(channels, 16), *block(16, 16), nn.MaxPool2d(2),
            *block(16, 32), *block(32, 32), nn.MaxPool2d(2),
            *block(32, 64), nn.MaxPool2d(2), nn.Flatten(),
            nn.Linear(64 * (height // 8) * (width // 8), self.num_features), nn.ReLU(),
        )  # fmt: skip
        self.head = nn.Linear(self.num_features, classes)

    def features(self, images: Float[Tensor, "n channels height width"]) -> Float[Tensor, "n 128"]:
        return self.body(images)

    def forward(self, images: Float[Tensor, "n channels height width"]) -> Float[Tensor, "n classes"]:
        return self.head(self.body(images))


class Extractor(Classifier):
    """A classifier that is never trained again; `sha256` names its weights, `dataset` what it was trained on,
    `accuracy` the share of its test images that it reads right, None where the file does not say.

    `path` is a file, or the name of a shipped one, `emoji_groups` or `mnist`; without one it is that of `mnist`. Raises
    `ConfigError` where the file is missing, damaged, or of another network, and where the shipped file is not the one
    that was shipped.
    """

    def __init__(self, path: str | None = None) -> None:
        name = path or "mnist"
        file = SHIPPED.get(name, Path(name).expanduser())
        try:
            content = file.read_bytes()
            with safe_open(file, "pt") as opened:
                about = opened.metadata() or {}
            channels, height, width = map(int, about.get("shape", "1 28 28").split())
            weights = load(content)
            if not all(tensor.isfinite().all() for tensor in weights.values()):
                raise ValueError("weights that are not finite")
            super().__init__((channels, height, width), len(weights["head.bias"]))
            self.load_state_dict(weights)
        except (OSError, SafetensorError, RuntimeError, ValueError, KeyError) as error:
            reason = str(error).splitlines()[0]
            remedy = REMEDY if name in SHIPPED else "evaluation.extractor=null"
            raise ConfigError(
                f"evaluation.extractor={file}: got a file that cannot be used ({reason}), expected weights that"
                f" scripts/train_extractor.py wrote. Remedy: {remedy}."
            ) from None
        self.dataset = about.get("dataset", "unknown")
        self.accuracy = float(about["test_accuracy"]) if "test_accuracy" in about else None
        self.sha256 = hashlib.sha256(content).hexdigest()
        if name in SHIPPED and self.sha256 != SHA256[name]:
            raise ConfigError(
                f"{file}: got SHA-256 {self.sha256}, expected {SHA256[name]}: these are not the shipped weights, and"
                f" numbers would not compare. Remedy: {REMEDY}, or name other weights by evaluation.extractor=FILE."
            )
        self.requires_grad_(False)
        self.train(False)

    def train(self, mode: bool = True) -> "Extractor":
        """Always in evaluation mode: batch normalisation keeps its stored statistics."""
        return super().train(False)

    @torch.no_grad()
    def see(
        self, images: Float[Tensor, "n channels height width"]
    ) -> tuple[Float[Tensor, "n 128"], Float[Tensor, "n classes"]]:
        """Features and logits, float32 on the CPU; `CHUNK` images at a time, wherever they lie and of any precision.

        Images of another shape than the network's are brought to it: turned grey, or to three equal colours, and
        resized. What the shipped network says of such images is about their coarse shapes; scripts/train_extractor.py
        trains one for them.

        A GPU computes them in full precision too, not in TF32, which would show in the third digit.
        """
        exact = torch.backends.cudnn.flags(enabled=True, allow_tf32=False)
        with exact if self.head.weight.is_cuda else nullcontext():
            features = torch.cat(
                [self.features(self.fitting(part.to(self.head.weight))) for part in images.split(CHUNK)]
            )
            return features.cpu(), self.head(features).cpu()

    def fitting(self, images: Float[Tensor, "n channels height width"]) -> Float[Tensor, "n channels height width"]:
        """Images in the network's own shape."""
        channels, *size = self.shape
        if images.shape[1] != channels:
            images = images.mean(1, keepdim=True).expand(-1, channels, -1, -1)
        return images if list(images.shape[2:]) == size else interpolate(images, size, mode="bilinear", antialias=True)
