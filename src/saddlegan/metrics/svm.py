"""What a discriminator has learned, by a linear classifier of its features from few labels: Radford, Metz & Chintala
(2016), arXiv:1511.06434, section 5, beside k-means features (Coates, Lee & Ng 2011), raw pixels, and the same features
before training.

An L2-regularised linear SVM with squared hinge loss; each feature is brought to mean 0 and variance 1 on the labelled
images. C is chosen on held-out images.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Float, Int64
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, adaptive_max_pool2d, unfold

from saddlegan.metrics.facts import metric

#: Sides that each layer's maps are pooled to: section 5.1.
SIDE = 4
#: Labels per class, each with so many draws, over which accuracies are averaged.
DRAWS = {10: 5, 100: 2, 500: 1}
STRENGTHS = (1e-5, 1e-4, 1e-3, 1e-2)
#: Of the solver, in the dual: a hundredth of it changed no accuracy by more than 0.0005, and took three times as long.
TOLERANCE = 1e-2
#: Of k-means: clusters, the side of a patch, patches that they are learned from, what is added to variances.
CLUSTERS, PATCH, PATCHES, WHITENING, CONTRAST = 100, 6, 20_000, 0.01, 1e-3


@metric(
    when="end",
    gives={
        "svm_learned_10": {"name": "SVM on D's features, 10 labels a class", "better": "higher", "most": 1.0},
        "svm_initial_10": {"name": "on those before training, 10", "better": "none", "most": 1.0},
        "svm_pixels_10": {"name": "on pixels, 10", "better": "none", "most": 1.0},
        "svm_kmeans_10": {"name": "on k-means features, 10", "better": "none", "most": 1.0},
        "svm_learned_100": {"name": "SVM on D's features, 100 labels a class", "better": "higher", "most": 1.0},
        "svm_initial_100": {"name": "on those before training, 100", "better": "none", "most": 1.0},
        "svm_pixels_100": {"name": "on pixels, 100", "better": "none", "most": 1.0},
        "svm_kmeans_100": {"name": "on k-means features, 100", "better": "none", "most": 1.0},
        "svm_learned_500": {"name": "SVM on D's features, 500 labels a class", "better": "higher", "most": 1.0},
        "svm_initial_500": {"name": "on those before training, 500", "better": "none", "most": 1.0},
        "svm_pixels_500": {"name": "on pixels, 500", "better": "none", "most": 1.0},
        "svm_kmeans_500": {"name": "on k-means features, 500", "better": "none", "most": 1.0},
    },
)
def svm_accuracies(
    representations: Mapping[str, Mapping[str, Float[Tensor, "n d"]]], represented: Mapping[str, Int64[Tensor, "n"]]
) -> dict[str, float]:
    """The share of test images whose class an SVM names, learned from so many labels a class.

    `representations`: `learned`, `initial`, `pixels` and `kmeans`, each of the images to learn from (`train`), of those
    that choose C (`validation`), and of `test`; `represented`: their labels. A class with fewer images gives all.
    """
    labels = {part: of.numpy() for part, of in represented.items()}
    found = {}
    for count, draws in DRAWS.items():
        chosen = [few(labels["train"], count, draw) for draw in range(draws)]
        for name, parts in representations.items():
            arrays = {part: values.double().numpy() for part, values in parts.items()}
            found[f"svm_{name}_{count}"] = float(np.mean([accuracy(arrays, labels, rows) for rows in chosen]))
    return {name: found[name] for name in svm_accuracies.facts}  # type: ignore[attr-defined]


def few(labels: NDArray, count: int, draw: int) -> NDArray:
    """The rows of `count` random images of each class."""
    rng = np.random.default_rng(draw)
    return np.concatenate([rng.permutation(np.flatnonzero(labels == label))[:count] for label in np.unique(labels)])


def accuracy(parts: Mapping[str, NDArray], labels: Mapping[str, NDArray], rows: NDArray) -> float:
    """On `test`, of the SVM with the C that is best on `validation`, the smaller one of equals; learned from these
    `rows` of `train`. NaN for features that are not finite."""
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import LinearSVC

    if not all(np.isfinite(part).all() for part in parts.values()):
        return float("nan")
    scaler = StandardScaler().fit(parts["train"][rows])
    scaled = {part: scaler.transform(values) for part, values in parts.items() if part != "train"}
    learned, best, most = scaler.transform(parts["train"][rows]), None, -1.0
    for strength in STRENGTHS:
        machine = LinearSVC(C=strength, dual=True, tol=TOLERANCE, random_state=0)  # type: ignore[arg-type]
        machine.fit(learned, labels["train"][rows])
        right = machine.score(scaled["validation"], labels["validation"])
        if right > most:
            best, most = machine, right
    assert best is not None
    return float(best.score(scaled["test"], labels["test"]))


def pooled(activations: Sequence[Tensor]) -> Float[Tensor, "n d"]:
    """The maps of all layers, `(n, maps, height, width)`, each brought to 4 x 4 by the maximum, one after the other."""
    return torch.cat([adaptive_max_pool2d(maps, SIDE).flatten(1) for maps in activations], dim=1)


def kmeans_features(images: Mapping[str, Float[Tensor, "n c height width"]]) -> dict[str, Float[Tensor, "n d"]]:
    """Of the images of each part, by clusters of patches of `train`: patches are normalised and whitened, a patch is
    described by how much nearer than the mean a cluster is to it, max(0, mean - distance), and these are averaged over
    the four quarters of an image."""
    from sklearn.cluster import MiniBatchKMeans

    rng = np.random.default_rng(0)
    _, _, height, width = images["train"].shape
    places = (height - PATCH + 1) * (width - PATCH + 1)
    image, place = rng.integers(len(images["train"]), size=PATCHES), rng.integers(places, size=PATCHES)
    patches = normalised(cut(images["train"], image, *np.divmod(place, width - PATCH + 1)))
    mean = patches.mean(0)
    values, vectors = torch.linalg.eigh((patches - mean).T.cov().double())
    whiten = ((vectors / (values + WHITENING).sqrt()) @ vectors.T).float()
    white = ((patches - mean) @ whiten).numpy()
    clusters = MiniBatchKMeans(CLUSTERS, random_state=0, n_init=1, batch_size=2048).fit(white)  # type: ignore[arg-type]
    centres = torch.from_numpy(clusters.cluster_centers_).float()
    return {
        part: torch.cat([_described(block, mean, whiten, centres) for block in of.split(250)])
        for part, of in images.items()
    }


def cut(images: Float[Tensor, "n c height width"], image: NDArray, top: NDArray, left: NDArray) -> Tensor:
    """A patch of each of these images, whose upper left corner lies there, as numbers `(patches, c * side * side)`."""
    inside = np.arange(PATCH)
    rows, columns = (top[:, None] + inside)[:, :, None], (left[:, None] + inside)[:, None, :]
    return images.movedim(1, -1)[image[:, None, None], rows, columns].movedim(-1, 1).flatten(1)


def _described(images: Tensor, mean: Tensor, whiten: Tensor, centres: Tensor) -> Tensor:
    sides = [side - PATCH + 1 for side in images.shape[2:]]
    patches = (normalised(unfold(images, PATCH).movedim(1, 2).flatten(0, 1)) - mean) @ whiten
    distances = torch.cdist(patches, centres)
    near = (distances.mean(1, keepdim=True) - distances).clamp_min(0.0)
    maps = near.unflatten(0, (len(images), *sides)).movedim(-1, 1)
    return adaptive_avg_pool2d(maps, 2).flatten(1)


def normalised(patches: Float[Tensor, "n numbers"]) -> Float[Tensor, "n numbers"]:
    """Brightness and contrast taken away; a flat patch stays flat."""
    centred = patches - patches.mean(1, keepdim=True)
    return centred / (centred.square().mean(1, keepdim=True) + CONTRAST).sqrt()
