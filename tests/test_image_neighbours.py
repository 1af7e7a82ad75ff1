"""Manifold scores, the Parzen window and nearest neighbours, against prdc, scikit-learn, SciPy and closed forms."""

import math

import numpy as np
import pytest
import torch
from agreement import assert_agree
from prdc import compute_prdc
from scipy.spatial import KDTree
from scipy.spatial.distance import cdist, pdist
from scipy.special import logsumexp
from sklearn.neighbors import KernelDensity, NearestNeighbors

from saddlegan.metrics import neighbours
from saddlegan.metrics.manifold import precision_recall_density_coverage as manifold
from saddlegan.metrics.parzen import Parzen, log_likelihoods, parzen


def normal(n: int, d: int, seed: int) -> torch.Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


def uniform(n: int, d: int, seed: int) -> torch.Tensor:
    return torch.rand(n, d, generator=torch.Generator().manual_seed(seed))


def by_definition(fake: torch.Tensor, real: torch.Tensor, k: int) -> dict[str, float]:
    """Kynkäänniemi et al. and Naeem et al. with open balls, distances from differences: exact at ties."""
    x, y = fake.double().numpy(), real.double().numpy()
    fakes, reals = (np.sort(cdist(points, points), 1)[:, k] for points in (x, y))  # column 0 is the point itself
    distances = cdist(y, x)
    inside = distances < reals[:, None]
    recall = (distances < fakes).any(1).mean()
    return {
        "precision": inside.any(0).mean(), "recall": recall, "density": inside.sum() / k / len(x),
        "coverage": inside.any(1).mean(),
    }  # fmt: skip


REAL = normal(400, 6, 1)
FAKES = {"same law": normal(300, 6, 2), "narrow": 0.6 * normal(400, 6, 3), "wide": 2 * normal(500, 6, 4)}


@pytest.mark.parametrize("kind", FAKES)
@pytest.mark.parametrize("k", [1, 5])
def test_manifold_scores_against_prdc(kind, k):
    ours, theirs = manifold(FAKES[kind], REAL, k), compute_prdc(REAL.numpy(), FAKES[kind].numpy(), k)
    for metric, value in ours.items():
        assert_agree(f"{metric} ({kind}, k={k})", value, "prdc", float(theirs[metric]), 1e-12)


def test_manifold_scores_take_sides():
    """Precision falls for fakes that are too wide, recall for those too narrow, coverage for both."""
    same, narrow, wide = (manifold(fake, REAL) for fake in FAKES.values())
    assert narrow["recall"] < same["recall"] - 0.2 < same["recall"] < wide["recall"]
    assert wide["precision"] < same["precision"] - 0.2 < same["precision"] < narrow["precision"]
    assert narrow["coverage"] < same["coverage"] > wide["coverage"]
    assert wide["density"] < 0.7 < same["density"] < 1.3 < narrow["density"]
    assert set(manifold(REAL + 100.0, REAL).values()) == {0.0}


@pytest.mark.parametrize("offset", [0.0, 300.0])
@pytest.mark.parametrize("chunk", [37, 400])
def test_equal_sets_score_one_whatever_the_rounding(offset, chunk):
    points = REAL + offset  # every k-th neighbour is a tie
    assert set(manifold(points.flip(0), points, chunk=chunk).values()) == {1.0}


@pytest.mark.parametrize("offset", [0.0, 300.0])
def test_duplicates_and_outliers_are_as_by_definition(offset):
    real = REAL + offset
    half = torch.cat([real[:20], real[:1].expand(50, -1), 1e7 * REAL[:5], real[:20]])
    collapsed = real[:1].expand(50, -1)
    for fake in (half, collapsed, collapsed + 0.5):
        assert manifold(fake, real) == pytest.approx(by_definition(fake, real, 5), abs=1e-12)
    assert manifold(collapsed, real)["recall"] == 0.0
    assert manifold(collapsed, real)["precision"] == 1.0


@pytest.mark.parametrize("size", [1e2, 1e4, 1e6, 1e8])
@pytest.mark.parametrize("of", ["real", "fake", "both"])
def test_manifold_scores_with_an_outlier_against_prdc(size, of):
    """About the mean, which an outlier moves far from all others, distances would be differences of large numbers."""
    fake, real = normal(300, 64, 20), normal(300, 64, 21)
    if of != "fake":
        real[7] *= size
    if of != "real":
        fake[9] *= -size
    ours, theirs = manifold(fake, real), compute_prdc(real.double().numpy(), fake.double().numpy(), 5)
    for metric, value in ours.items():
        assert_agree(f"{metric} (outlier of {size:g})", value, "prdc", float(theirs[metric]), 1e-12)


CLUSTERS = {  # where samples lie that are a distance of 1 from their neighbours
    "far away": [1e8],
    "two far clusters": [-1e7, 1e7],
    "many clusters": [-1e7, -1e4, 0.0, 1e2, 1e5],
    "a few outliers beside each other": [0.0] * 19 + [1e8],
}


def placed(samples: torch.Tensor, clusters: list[float]) -> torch.Tensor:
    return samples.double() + torch.tensor(clusters).repeat(len(samples))[: len(samples), None]


@pytest.mark.parametrize("kind", CLUSTERS)
def test_distances_keep_their_digits_wherever_the_samples_lie(kind):
    fake, real, test = (placed(x, CLUSTERS[kind]) for x in (FAKES["wide"], REAL, normal(60, 6, 22)))
    assert manifold(fake, real) == pytest.approx(by_definition(fake, real, 5), abs=1e-12)
    assert manifold(fake, placed(REAL, [0.0])) == pytest.approx(by_definition(fake, placed(REAL, [0.0]), 5), abs=1e-12)
    assert set(manifold(real.flip(0), real).values()) == {1.0}
    exact = cdist(fake, real)
    found, index = neighbours.nearest(fake, real)
    np.testing.assert_array_equal(index, exact.argmin(1))
    np.testing.assert_allclose(found, exact.min(1), rtol=1e-12)
    pairs = pdist(real)
    alone = np.where(np.eye(len(real), dtype=bool), np.inf, cdist(real, real)).min(1)
    assert neighbours.distances(real) == pytest.approx((np.median(pairs), np.median(alone)), rel=1e-9)
    sigmas = torch.tensor([0.3, 1.0], dtype=torch.float64)
    squared = cdist(test, real, "sqeuclidean")
    expected = [np.asarray(logsumexp(-squared / (2 * s**2), 1)) for s in sigmas.tolist()]
    scale = math.log(len(real)) + 6 * np.log(sigmas.numpy() * (2 * math.pi) ** 0.5)
    np.testing.assert_allclose(log_likelihoods(real, test, sigmas), expected - scale[:, None], rtol=1e-9)


def test_manifold_scores_do_not_depend_on_blocks_and_need_k_neighbours():
    assert len({tuple(manifold(FAKES["wide"], REAL, chunk=chunk).values()) for chunk in (1, 7, 399, 10_000)}) == 1
    with pytest.raises(ValueError, match="k=5 needs more than 5 samples of each set; got 5 fake and 400 real"):
        manifold(REAL[:5], REAL)


def window(centres: torch.Tensor, sigma: float) -> KernelDensity:
    """In one leaf: scikit-learn's tree bounds lose all digits in 784 dimensions (its issues 7492 and 25799)."""
    return KernelDensity(kernel="gaussian", bandwidth=sigma, leaf_size=10**6).fit(centres.double())


@pytest.mark.parametrize("sigma", [0.1, 0.3, 1.0])
def test_log_likelihoods_against_scikit_learn(sigma):
    centres, images = uniform(300, 784, 5), uniform(40, 784, 6)
    ours = log_likelihoods(centres, images, torch.tensor([0.7, sigma], dtype=torch.float64))[1].numpy()
    theirs = window(centres, sigma).score_samples(images.double())
    assert_agree(f"parzen (sigma={sigma})", ours.mean(), "scikit-learn", theirs.mean(), 1e-11)
    np.testing.assert_allclose(ours, theirs, rtol=1e-11)
    squared = cdist(images.double(), centres.double(), "sqeuclidean")
    by_hand = (
        np.asarray(logsumexp(-squared / (2 * sigma**2), 1))
        - math.log(300)
        - 784 * math.log(sigma * (2 * math.pi) ** 0.5)
    )
    assert_agree(f"parzen (sigma={sigma})", ours.mean(), "scipy", by_hand.mean(), 1e-11)


def test_log_likelihood_of_one_centre_is_that_of_a_gaussian():
    centre, images, sigma = torch.full((1, 784), 0.25), uniform(5, 784, 7), 0.1
    expected = -((images.double() - 0.25) ** 2).sum(1) / (2 * sigma**2) - 784 / 2 * math.log(2 * math.pi * sigma**2)
    sigmas = torch.tensor([sigma], dtype=torch.float64)
    torch.testing.assert_close(log_likelihoods(centre, images, sigmas)[0], expected, rtol=1e-12, atol=0)
    torch.testing.assert_close(log_likelihoods(centre.expand(9, -1), images, sigmas)[0], expected, rtol=1e-12, atol=0)
    assert log_likelihoods(centre, images + 1e3, sigmas).isfinite().all()  # where every kernel value underflows


def test_repeated_rows_are_read_where_they_lie():
    """torch's median along an axis of stride 0 reads on beside it, here into what is not a number."""
    memory = torch.full((800,), math.nan)
    memory[:784] = uniform(1, 784, 23)[0]
    images, repeated, sigmas = uniform(5, 784, 24), memory[:784].expand(9, -1), torch.tensor([0.1])
    expected = log_likelihoods(memory[None, :784].clone(), images, sigmas)
    torch.testing.assert_close(log_likelihoods(repeated, images, sigmas), expected, rtol=1e-12, atol=0)
    assert neighbours.nearest(images, repeated)[0].isfinite().all()
    assert manifold(repeated, uniform(20, 784, 25)) == manifold(repeated.clone(), uniform(20, 784, 25))


def test_density_on_the_line_integrates_to_one():
    grid = torch.linspace(-8, 8, 4001, dtype=torch.float64)
    densities = log_likelihoods(normal(20, 1, 8), grid[:, None], torch.tensor([0.1, 1.0])).exp()
    torch.testing.assert_close(torch.trapezoid(densities, grid), torch.ones(2, dtype=torch.float64))


def test_parzen_follows_the_protocol():
    fake, validation, test = 0.5 * normal(200, 12, 9), 0.5 * normal(1000, 12, 10), 0.5 * normal(150, 12, 11)
    found = parzen(fake, validation, test)
    windows = [window(fake, sigma) for sigma in np.logspace(-1, 0, 10)]
    best = windows[int(np.argmax([each.score(validation.double()) for each in windows]))]
    scores = best.score_samples(test.double())
    assert_agree("parzen", found.mean, "scikit-learn", scores.mean(), 1e-11)
    assert_agree("parzen_se", found.standard_error, "scikit-learn", scores.std() / math.sqrt(150), 1e-11)
    assert_agree("parzen_sigma", found.sigma, "scikit-learn", float(best.bandwidth), 1e-12)
    assert 0.1 < found.sigma < 1.0  # so that the choice was one
    assert parzen(fake, torch.cat([validation, 50.0 + validation]), test) == found  # the first 1000 alone choose
    assert parzen(fake, torch.cat([50.0 + validation, validation]), test).sigma == pytest.approx(1.0)
    assert parzen(fake, validation, test, chunk=33) == pytest.approx(found, rel=1e-12)
    assert parzen(fake + 1.0, validation, test).mean < found.mean > parzen(2.5 * fake, validation, test).mean


def test_nearest_against_scikit_learn():
    images, among = uniform(70, 784, 15), uniform(300, 784, 16)
    images[4] = among[17]
    distances, index = neighbours.nearest(images, among, chunk=32)
    expected, which = NearestNeighbors(n_neighbors=1).fit(among.double()).kneighbors(images.double())
    np.testing.assert_array_equal(index, which[:, 0])
    np.testing.assert_allclose(distances, expected[:, 0], rtol=1e-12, atol=1e-5)  # theirs cancels at the copy
    assert_agree("nearest", float(distances.mean()), "scipy", KDTree(among).query(images)[0].mean(), 1e-6)
    assert (index[4], distances[4]) == (17, 0.0)
    for chunk in (1, 1000):
        torch.testing.assert_close(neighbours.nearest(images, among, chunk), (distances, index), rtol=1e-14, atol=0)


def test_memorisation_tells_copies_from_new_samples_and_from_samples_off_the_data():
    train, test, new = normal(2000, 5, 12), normal(400, 5, 13), normal(400, 5, 14)
    medians = [np.median(KDTree(train).query(images)[0]) for images in (new, test)]
    assert_agree("memorisation", neighbours.memorisation(new, test, train), "scipy", medians[0] / medians[1], 1e-6)
    assert neighbours.memorisation(train[:300], test, train) == 0.0
    assert neighbours.memorisation(train[:300] + 0.01, test, train) < 0.1
    assert neighbours.memorisation(test, test, train, chunk=11) == 1.0
    assert neighbours.memorisation(new, test, train) == pytest.approx(1.0, abs=0.1)
    assert neighbours.memorisation(new + 10.0, test, train) > 5.0
    with pytest.raises(ValueError, match="give held-out images"):
        neighbours.memorisation(new, train[:5], train)


def test_distances_against_scipy():
    points = uniform(250, 784, 17)
    found = neighbours.distances(points)
    expected = (float(np.median(x)) for x in (pdist(points), KDTree(points).query(points, k=2)[0][:, 1]))
    assert_agree("median_distance", found.median_distance, "scipy", next(expected), 1e-9)
    assert_agree("nearest_distance", found.nearest_distance, "scipy", next(expected), 1e-9)
    assert neighbours.distances(torch.tensor([[0.0], [1.0], [4.0]])) == (3.0, 1.0)
    for power in (0.3, 0.5, 1.0, 2.0, 3.0):  # some of the squares of copies round below 0
        copies = neighbours.distances((points.double() ** power).repeat(2, 1))
        assert copies.nearest_distance == 0.0


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_samples_that_are_not_finite_are_nan(bad):
    fake = FAKES["same law"].clone()
    fake[3, 2] = bad
    assert all(math.isnan(value) for value in manifold(fake, REAL).values())
    assert manifold(fake, REAL).keys() == manifold(FAKES["same law"], REAL).keys()
    assert all(math.isnan(value) for value in parzen(fake, REAL, REAL))
    assert isinstance(parzen(fake, REAL, REAL), Parzen)
    assert math.isnan(neighbours.memorisation(fake, REAL[:100], REAL[100:]))
    assert np.flatnonzero(neighbours.nearest(fake, REAL)[0].isnan()).tolist() == [3]
