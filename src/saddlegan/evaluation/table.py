"""Evaluation on a small table of discrete values: the generated distribution is known but for the choice of latents,
and so is the gradient that a boundary-seeking GAN estimates."""

import functools
import math
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Independent

from saddlegan.data.tables import JointTable
from saddlegan.data.toy import ToyData
from saddlegan.discrete import ESTIMATORS, drawn, log_probability, means, reinforce
from saddlegan.evaluation import board
from saddlegan.evaluation.evaluate import WATCHED, Conclusion, Evaluate, law_of
from saddlegan.figures import save_png
from saddlegan.figures.tables import shares_figure
from saddlegan.files import write_whole
from saddlegan.folder import SAMPLES
from saddlegan.random import Uniform, draw_evaluation

#: Estimates of the gradient that are drawn.
REPEATS = 64


class EvaluateTable(Evaluate):
    """Distances of the shares of all outcomes, and the bias and noise of the gradient where the variant estimates
    one."""

    kind = "tables"
    offers = ("shares", "probabilities", "estimates", "exact")

    def __init__(self, data: ToyData, **evaluation: Any) -> None:
        super().__init__(**evaluation)
        self.table = law_of(data.distribution, JointTable)
        self.outcomes = torch.from_numpy(self.table.outcomes)
        self.real = {"x": draw_evaluation(self.table.draw, self.seeds, self.samples, part=1)}

    def fakes(self, module: Any) -> Tensor:
        fake = super().fakes(module)
        chances = module.of_average(self.given, lambda generator, part: self.chances(module.law(generator, part)))
        self.beside = {"shares": chances.double().mean(1).numpy()} | self.gradients(module)
        return fake

    def chances(self, law: Independent) -> Float[Tensor, "seeds latents outcomes"]:
        """The probability of each outcome given each latent."""
        every = self.outcomes.to(law.mean)[:, None, None].expand(-1, *law.batch_shape, *self.outcomes.shape[1:])
        return log_probability(law, every).exp().movedim(0, -1)

    @torch.no_grad()
    def gradients(self, module: Any) -> dict[str, np.ndarray]:
        """Of a boundary-seeking generator's loss with respect to its logits, for each estimator, on the same latents
        and discriminator: `estimates` `(estimators, repeats, seeds, numbers)` from M samples of each latent, and
        `exact` `(estimators, seeds, numbers)`, where all outcomes are gone through; {} of other variants. REINFORCE has
        the mean weight as its baseline."""
        if not hasattr(module, "log_weights"):
            return {}
        law = module.law(module.generator, {"latent": module.place(self.given["latent"][:, :WATCHED])})
        outcomes, seeds = self.outcomes.to(law.mean), len(self.seeds)
        said = module.divergence.log_weight(module.logits({"x": outcomes.expand(seeds, *outcomes.shape)}))[..., None]
        log_chance = self.chances(law).log().mT
        log_beta = (said + log_chance).logsumexp((-2, -1)) - math.log(log_chance.shape[-1])
        estimators = [*ESTIMATORS.values(), functools.partial(reinforce, log_beta=log_beta)]
        exact = torch.stack([slope(counts(said, log_chance), outcomes[:, None, None], law) for counts in estimators])
        size = module.num_samples * outcomes.shape[-1]
        uniform = draw_evaluation(Uniform(REPEATS * size).draw, self.seeds, law.batch_shape[-1], part="gradients")
        estimates = []
        for numbers in module.place(uniform).split(size, dim=-1):
            x = drawn(law, module.by_sample(numbers))
            log_weight, log_share = module.log_weights({"x": x.movedim(0, 1).flatten(1, 2)}), -math.log(len(x))
            estimates.append(torch.stack([slope(counts(log_weight, log_share), x, law) for counts in estimators]))
        return {"estimates": torch.stack(estimates, 1).double().cpu().numpy(), "exact": exact.double().cpu().numpy()}

    def offered(self, fake: Tensor) -> dict[str, Any]:
        return {"probabilities": self.table.probabilities}

    def show(self, trainer: L.Trainer, module: Any, iteration: int, fake: Tensor) -> None:
        """The shares of all outcomes, beside the data's."""
        figure = shares_figure(
            {f"iteration {iteration}": self.beside["shares"]}, self.table.probabilities, self.table.names
        )
        board.log_figure(trainer, "shares", figure, iteration)

    def conclude(self, trainer: L.Trainer, module: Any, fake: Tensor, folder: Path, draw: bool) -> Conclusion:
        """samples.npz, and, with `draw`, figures/shares.png."""
        shares, names = self.beside["shares"], self.table.names
        arrays = {
            "shares": shares,
            "probabilities": self.table.probabilities,
            "names": np.array(names),
            **self.networks,
        }
        with write_whole(folder / SAMPLES) as partial:
            np.savez_compressed(partial, **arrays)  # type: ignore[arg-type]
        if draw:
            figure = shares_figure({folder.name[:60]: shares}, self.table.probabilities, names)
            save_png(figure, folder / "figures" / "shares.png")
        offered = self.offered(fake) | self.beside | self.networks
        return Conclusion({name: list(values) for name, values in self.computed("end", offered).items()})


def slope(
    coefficients: Float[Tensor, "seeds samples latents"],
    x: Float[Tensor, "samples #seeds #latents levels places"],
    law: Independent,
) -> Float[Tensor, "seeds numbers"]:
    """The gradient of -E_z sum_m c(m) log g(x(m)|z) with respect to the logits: that of log g is x less its mean."""
    away = x - means(law)
    weighted = coefficients.movedim(1, 0)[..., None, None] * away
    return -weighted.sum(0).flatten(1) / law.batch_shape[-1]
