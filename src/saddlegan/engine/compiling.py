"""What torch's compiler is given, where a run is long enough to earn the seconds back that compiling takes."""

import shutil
import sys
from typing import Any

import torch
from torch import Tensor, nn
from torch._dynamo.exc import FailOnRecompileLimitHit, TorchDynamoException
from torch.func import functional_call, grad

from saddlegan.batch import Batch, detached
from saddlegan.checks import shown
from saddlegan.engine.adversarial import AdversarialModule, CompiledStep
from saddlegan.engine.losses import by_name, summed

#: Seed-iterations from which compiling is about earned back; see `make bench`.
COMPILE_PAYS = 500_000


def compile_players(module: AdversarialModule, config: dict[str, Any]) -> bool:
    """Compile what the players do, where that is asked for or, with `auto`, earned back. True where it was.

    Of stacked networks a step is one graph, from the latents to the gradient. Of image networks, whose layers take the
    time, it is the forwards. Never where a loss is differentiated twice, nor of stacked networks in mixed precision, in
    which a graph of both passes would have the precision of neither, or that keep something themselves (the running
    means of a batch normalisation), which a graph of a gradient cannot change.
    """
    wanted = config["trainer"]["compile"]
    kept = [name for player in module.players for name, _ in getattr(module, player).named_buffers()]
    if kept and module.stacked:
        if wanted is True:
            said = f"got networks that keep {kept[0]}, which a compiled step does not change. They run uncompiled."
            print(f"saddlegan: warning: trainer.compile: {said}", file=sys.stderr)
        wanted = False
    if module.second_order or (module.stacked and config["trainer"]["precision"].endswith("mixed")):
        wanted = False
    elif wanted == "auto":
        wanted = config["num_seeds"] * config["iterations"] >= COMPILE_PAYS and shutil.which("g++") is not None
    if wanted:
        torch.compiler.reset()  # it counts the runs of one process as recompilations of one function, and gives up at 8
    if wanted and not module.stacked:
        for player in module.players:
            getattr(module, player).network.compile()
    elif wanted:
        module.compiled = {player: compiled(module, player) for player in module.players}
    return bool(wanted)


def compiled(module: AdversarialModule, player: str, **options: Any) -> CompiledStep:
    """`(real, drawn) -> terms`: the terms of `player`'s loss by name, whose gradient is put on its parameters.

    `options` are those of `torch.compile`. Two compiled halves with autograd between them would store what is between
    them, and compute the gradient of all players' weights. A loss that is no pure function, or calls what the compiler
    does not know, or depends on a Python number that moves, is given up with a warning, before the step has changed
    anything: then there are no terms, and the player is not in `module.compiled` any more.
    """
    whole = _Loss(module, player)
    moved = {id(parameter) for parameter in module.players[player]}
    own = {name: parameter for name, parameter in whole.named_parameters() if id(parameter) in moved}

    def loss(weights: Batch, real: Batch, drawn: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        terms = functional_call(whole, dict(weights), (real, drawn))
        return summed(terms).sum(), terms

    gradient = torch.compile(grad(loss, has_aux=True), fullgraph=True, **options)

    def step(real: Batch, drawn: Batch) -> dict[str, Tensor] | None:
        try:
            with torch.no_grad():  # the compiled function differentiates by itself
                found, terms = gradient(own, real, drawn)
        except (TorchDynamoException, FailOnRecompileLimitHit) as error:
            said = f"trainer.compile: {type(module).__name__}.{player}_loss cannot be compiled, and runs as it is"
            why = f"({shown(str(error), 300)}) Remedy: move what it keeps in after_step, in buffers."
            print(f"saddlegan: warning: {said} {why}", file=sys.stderr)
            module.compiled = {name: step for name, step in module.compiled.items() if name != player}
            return None
        for name, parameter in own.items():
            parameter.grad = found[name]
        return terms

    return step


class _Loss(nn.Module):
    """A player's loss as a module, whose parameters `functional_call` replaces."""

    def __init__(self, module: AdversarialModule, player: str) -> None:
        super().__init__()
        self.module = module
        self.player = player

    def forward(self, real: Batch, drawn: Batch) -> dict[str, Tensor]:
        fake = self.module.fake(drawn, real)
        given = fake if self.player == "generator" else detached(fake)
        return by_name(getattr(self.module, f"{self.player}_loss")(real, given))
