"""Run folders as the engine writes them, with chosen metrics: what the tests of the report read."""

import json
from pathlib import Path

import numpy as np

#: Methods that stored runs name.
TARGETS = {
    "gan": "saddlegan.methods.gan.GAN",
    "gan_non_saturating": "saddlegan.methods.gan_non_saturating.NonSaturatingGAN",
    "primal_dual": "saddlegan.methods.primal_dual.PrimalDual",
}


def finite(values):
    return [float(value) if np.isfinite(value) else None for value in values]


def metrics_of(w1_std):
    w1_std = np.asarray(w1_std, dtype=float)
    flags = {"converged": [float(v < 0.5) for v in w1_std], "diverged": [float(not np.isfinite(v)) for v in w1_std]}
    return {"w1_std": finite(w1_std), "w1": finite(0.0316 * w1_std)}, flags


def write_run(
    folder: Path, method: str, w1_std, *, experiment="gaussian_1d", optimizer="adam", lr=0.001, seeds=None, stops=None,
    report=None, final=None, means=None, status="finished", error=None, config=None, files=True, data="gaussian_1d",
    floors=None, **method_config,
) -> Path:  # fmt: skip
    """`w1_std`: a value per seed, NaN = diverged; `stops`: {iteration: values}; `means`: further last-fifth metrics."""
    seeds = list(range(len(w1_std))) if seeds is None else list(seeds)
    mean, flags = metrics_of(w1_std)
    mean |= means or {}
    nested = {"seed": seeds[0] if seeds else 0, "num_seeds": len(seeds), "iterations": 5000, "report": report,
              "method": {"_target_": TARGETS.get(method, method), **method_config},
              "optimizer": {"lr": lr, "generator": {"lr": lr}, "discriminator": {"lr": lr}}}  # fmt: skip
    command = f"saddlegan method={method} experiment={experiment} num_seeds=32 output_root=here"
    result = {
        "status": status, "experiment": experiment, "command": command,
        "choices": {"method": method, "model": "mlp", "data": data, "optimizer": optimizer, "trainer": "cpu"},
        "config": nested | (config or {}), "seeds": seeds, "final": mean | flags | (final or {}), "last_fifth": mean,
        "stops": {str(at): {**metrics_of(values)[0], **metrics_of(values)[1]} for at, values in (stops or {}).items()},
        "best": mean, "iterations": 5000, "seconds": 6.0, "device": "cpu", "versions": {"torch": "2.15.0"},
        "commit": "0123abc", "error": error, "floors": floors or {},
    }  # fmt: skip
    if status == "failed":
        result |= {"final": {}, "last_fifth": {}, "stops": {}}
    (folder / ".hydra").mkdir(parents=True)
    (folder / "result.json").write_text(json.dumps(result), encoding="utf-8")
    if files and status != "failed":
        write_arrays(folder, seeds, np.asarray(w1_std, dtype=float))
    return folder


def write_arrays(folder: Path, seeds, w1_std) -> None:
    rows = [f"{at},{seed},{value + 20 * np.exp(-at / 600) if np.isfinite(value) else ''}"
            for seed, value in zip(seeds, w1_std, strict=True) for at in range(0, 5001, 1000)]  # fmt: skip
    (folder / "metrics.csv").write_text("\n".join(["iteration,seed,w1_std", *rows]) + "\n", encoding="utf-8")
    support = np.linspace(0.5, 1.5, 101)
    density = np.exp(-((support - 1) ** 2) / 2e-3) / np.sqrt(2 * np.pi * 1e-3)
    noise = np.random.default_rng(0).normal(1, 0.0316, (len(w1_std), 64))
    discriminator = np.full((len(w1_std), support.size), 0.5)
    samples = noise + 0.0316 * w1_std[:, None]
    np.savez(folder / "samples.npz", support=support, density=density, samples=samples, discriminator=discriminator)


def spread(median: float, count: int = 32, seed: int = 0, width: float = 0.2):
    """Log-normal values around `median`."""
    return median * np.exp(np.random.default_rng(seed).normal(0, width, count))


HISTORY = {"frechet": 5.0, "kernel_distance": 0.02, "classifier_score": 9.0, "classes_covered": 10.0, "class_kl": 0.01}
FINAL = {"precision": 0.8, "recall": 0.7, "density": 0.9, "coverage": 0.85, "memorisation": 1.1, "parzen": 200.0,
         "parzen_se": 2.0, "parzen_sigma": 0.2}  # fmt: skip
FLOORS = {"frechet": 0.5, "kernel_distance": 0.0, "classifier_score": 9.8, "classes_covered": 10.0, "class_kl": 0.001,
          "precision": 0.98, "recall": 0.97, "density": 1.0, "coverage": 0.96, "memorisation": 0.0,
          "parzen": 240.0}  # fmt: skip


def write_image_run(
    folder: Path, method: str, seed: int = 0, *, experiment="mnist", data="mnist", iterations=20000, report=None,
    floors=None, extractor="ab" * 32, weights=None, files=True, shades=(40, 220), without=(), **values,
) -> Path:  # fmt: skip
    """One seed. `values`: metrics in place of those of `HISTORY` and `FINAL`, NaN = diverged; the rest configures the
    method. `shades`: of the generated and of the real images; `without`: metrics that the run does not have."""
    known = {key: value for key, value in (HISTORY | FINAL | values).items() if key in HISTORY | FINAL}
    lost = {"diverged": [float(not np.isfinite(known["frechet"]))]}
    metrics = {key: finite([value]) for key, value in known.items() if key not in without}
    mean = {key: metrics[key] for key in HISTORY if key in metrics}
    method_config = {key: value for key, value in values.items() if key not in known}
    result = {
        "status": "finished", "experiment": experiment, "command": f"saddlegan experiment={experiment} method={method}",
        "choices": {"method": method, "model": "mnist_conv", "data": data, "optimizer": "adam", "trainer": "gpu"},
        "config": {"seed": seed, "num_seeds": 1, "iterations": iterations, "report": report,
                   "method": {"_target_": TARGETS.get(method, method), **method_config}, "optimizer": {"lr": 2e-4},
                   "data": {"_target_": "saddlegan.data.images.ImageSet"}},
        "seeds": [seed], "final": metrics | lost, "last_fifth": mean | lost, "stops": {}, "best": mean,
        "iterations": iterations, "seconds": 600.0, "device": "gpu", "versions": {"torch": "2.15.0"},
        "commit": "0123abc", "error": None, "floors": FLOORS if floors is None else floors,
        "extractor": {"sha256": extractor, "dataset": "mnist"},
        "weights": {"generator": "0" * 64, "discriminator": "1" * 64} if weights is None else weights,
        "scales": {"median_distance_pixels": 9.9, "nearest_distance_pixels": 5.4},
    }  # fmt: skip
    (folder / ".hydra").mkdir(parents=True)
    (folder / "result.json").write_text(json.dumps(result), encoding="utf-8")
    if files:
        rows = [f"{at},{seed},{known['frechet'] + 200 * np.exp(-at / 3000)}" for at in range(0, iterations + 1, 2000)]
        (folder / "metrics.csv").write_text("\n".join(["iteration,seed,frechet", *rows]) + "\n", encoding="utf-8")
        np.savez_compressed(folder / "samples.npz", **image_arrays(*shades, iterations=iterations))
    return folder


def image_arrays(fake=40, real=220, iterations=20000, frames=5):
    """samples.npz of an image run, every image of one shade; through training the shade grows to `fake`."""
    grown = np.linspace(0, fake, frames).round().astype(np.uint8)
    return {
        "images": np.full((64, 28, 28), fake, np.uint8), "real": np.full((64, 28, 28), real, np.uint8),
        "through": np.tile(grown[:, None, None, None], (1, 16, 28, 28)),
        "iterations": np.linspace(0, iterations, frames).astype(int),
        "interpolation": np.full((6, 10, 28, 28), fake, np.uint8),
        "neighbours": np.stack([np.full((10, 28, 28), fake, np.uint8), np.full((10, 28, 28), real, np.uint8)]),
    }  # fmt: skip
