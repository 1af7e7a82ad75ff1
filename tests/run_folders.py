"""Run folders as the engine writes them, with chosen metrics: what the tests of the report read."""

import json
from pathlib import Path

import numpy as np


def finite(values):
    return [float(value) if np.isfinite(value) else None for value in values]


def metrics_of(w1_std):
    w1_std = np.asarray(w1_std, dtype=float)
    flags = {"converged": [float(v < 0.5) for v in w1_std], "diverged": [float(not np.isfinite(v)) for v in w1_std]}
    return {"w1_std": finite(w1_std), "w1": finite(0.0316 * w1_std)}, flags


def write_run(
    folder: Path, method: str, w1_std, *, experiment="gaussian_1d", optimizer="adam", lr=0.001, seeds=None, stops=None,
    report=None, final=None, means=None, status="finished", error=None, config=None, files=True, **method_config,
) -> Path:  # fmt: skip
    """`w1_std`: a value per seed, NaN = diverged; `stops`: {iteration: values}; `means`: further last-fifth metrics."""
    seeds = list(range(len(w1_std))) if seeds is None else list(seeds)
    mean, flags = metrics_of(w1_std)
    mean |= means or {}
    nested = {"seed": seeds[0] if seeds else 0, "num_seeds": len(seeds), "iterations": 5000, "report": report,
              "method": {"_target_": f"saddlegan.methods.{method}", **method_config},
              "optimizer": {"lr": lr, "generator": {"lr": lr}, "discriminator": {"lr": lr}}}  # fmt: skip
    command = f"saddlegan method={method} experiment={experiment} num_seeds=32 output_root=here"
    result = {
        "status": status, "experiment": experiment, "command": command,
        "choices": {"method": method, "model": "mlp", "data": "gaussian_1d", "optimizer": optimizer, "trainer": "cpu"},
        "config": nested | (config or {}), "seeds": seeds, "final": mean | flags | (final or {}), "last_fifth": mean,
        "stops": {str(at): {**metrics_of(values)[0], **metrics_of(values)[1]} for at, values in (stops or {}).items()},
        "best": mean, "iterations": 5000, "seconds": 6.0, "device": "cpu", "versions": {"torch": "2.15.0"},
        "commit": "0123abc", "error": error,
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
