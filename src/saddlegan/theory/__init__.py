"""The laboratory: what theory says of GANs, each statement as an experiment of seconds with a picture and a verdict.

An experiment is a folder: its mathematics as pure functions in NumPy or torch, its statements and what decides each
(`rules`), `figures`, and `section()`, which runs them at their default size.
"""

EXPERIMENTS = {
    "bilinear_game": "the game x*y: which methods converge, and how fast",
    "divergences": "KL, JS, total variation, Wasserstein: where they saturate, and what they punish",
    "optimal_discriminator": "D* = p / (p + q), what the generator then minimises, the f-GAN table",
    "generator_gradients": "a fresh discriminator against a frozen generator: vanishing and growing gradients",
    "objective_gradients": "the gradient that each objective gives its generator, by the distance to the data",
    "function_space": "the primal-dual method on a finite support: steps, averages, thresholds",
    "kernel_force": "the two terms of the primal-dual step: their ratio, their forces, their reach",
    "mode_collapse": "a generator against a frozen discriminator: collapse, and hops",
    "loss_and_quality": "losses against image quality, and the spread over a random search",
}
