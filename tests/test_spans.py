"""Spans: where they are cut, and what they hold, under a real Trainer and a real module."""

import lightning as L
import pytest
import torch
from conftest import SMALL, composed
from lightning.pytorch.callbacks import ModelCheckpoint

from saddlegan.data.distributions import Mixture
from saddlegan.engine.build import build
from saddlegan.random import Purpose, draw_block

#: Numbers of seeds, draws, and samples that all differ; 130 iterations in three blocks.
RUN = (*SMALL, "data=mixture_1d", "seed=5", "num_seeds=2", "batch_size=3", "method=gan", "method.minibatch=fresh",
       "method.num_critic_steps=4", "iterations=130", "evaluation.every=60")  # fmt: skip


class Record(L.Callback):
    """The spans that a training is given, and the iterations at which an epoch ended."""

    def __init__(self) -> None:
        self.spans: list[torch.Tensor] = []
        self.epochs: list[int] = []

    def on_train_batch_start(self, trainer, module, batch, batch_idx):
        self.spans.append(batch.data["x"].clone())

    def on_train_epoch_end(self, trainer, module):
        self.epochs.append(int(module.iteration))


def trained(*overrides, start=0, callbacks=(), **settings) -> tuple[Record, list[int]]:
    module, data = build(composed(*RUN, *overrides))
    module.iteration.fill_(start)
    record = Record()
    trainer = L.Trainer(
        accelerator="cpu", logger=False, callbacks=[record, *callbacks], enable_progress_bar=False,
        enable_model_summary=False, enable_checkpointing=bool(callbacks), **settings,
    )  # fmt: skip
    trainer.fit(module, datamodule=data)
    cuts = start + torch.tensor([len(span) for span in record.spans]).cumsum(0)
    return record, cuts.tolist()


def expected(first: int, last: int) -> torch.Tensor:
    """The minibatches of these iterations, taken from the blocks of the data's stream."""
    law = Mixture(means=[-3.0, -1.0, 1.0, 3.0], variance=0.01)
    blocks = [draw_block(law.draw, [5, 6], Purpose.DATA, block, draws=4, batch=3) for block in range(3)]
    return torch.cat(blocks)[first:last]


def test_spans_end_at_blocks_and_evaluations_and_epochs_at_evaluations():
    record, cuts = trained()
    assert cuts == [50, 60, 100, 120, 130]
    assert record.epochs == [60, 120, 130]
    assert torch.equal(torch.cat(record.spans), expected(0, 130))


def test_data_do_not_depend_on_where_spans_are_cut(tmp_path):
    saver = ModelCheckpoint(dirpath=tmp_path, every_n_train_steps=35, save_top_k=-1)
    record, cuts = trained("evaluation.every=130", callbacks=[saver])
    assert cuts == [35, 50, 70, 100, 105, 130]
    assert torch.equal(torch.cat(record.spans), expected(0, 130))


def test_training_goes_on_from_the_modules_iteration():
    record, cuts = trained(start=57)
    assert cuts == [60, 100, 120, 130]
    assert torch.equal(torch.cat(record.spans), expected(57, 130))


@pytest.mark.parametrize(("max_steps", "cuts"), [(55, [50, 55]), (1000, [50, 60, 100, 120, 130])])
def test_spans_end_at_a_trainers_steps_but_not_after_the_data(max_steps, cuts):
    assert trained(max_steps=max_steps)[1] == cuts
