"""Claims that hold for any run: closed forms, checked on what every run measured of itself."""

from saddlegan.reporting.evidence import Claim, largest
from saddlegan.reporting.ledger import Verdict
from saddlegan.reporting.results import Results


def optimal_discriminator(results: Results) -> Verdict:
    """Reproduced if the largest error of D, relative to 1 + |D*|, over all seeds and runs is below 1e-3."""
    return largest(results, "optimal_discriminator_error", 1e-3, "Largest |D found - D*| / (1 + |D*|)")


def gradient_identity(results: Results) -> Verdict:
    """Reproduced if the largest relative error over all seeds and runs (float64) is below 1e-6, else contradicted."""
    return largest(results, "gradient_identity_error", 1e-6, "Largest relative error of the gradient")


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "optimal-discriminator",
        "Goodfellow et al. (2014), arXiv:1406.2661, Proposition 1",
        "For a fixed generator the optimal discriminator is p / (p + q), or the optimum of the pair (f0, f1) in use.",
        optimal_discriminator,
        probe="optimal_discriminator_error",
    ),
    Claim(
        "gradient-identity",
        "Derived from eqs. (5)-(7) of Algorithm 1, arXiv:1802.01765",
        "With the target held fixed, the second term of eq. (7) has the gradient 2 alpha mean_i f1(D(x_i)) dp_g(x_i).",
        gradient_identity,
        probe="gradient_identity_error",
    ),
)
