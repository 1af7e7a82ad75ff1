"""Launchers that bring a sweep to its end whatever becomes of its workers: `hydra/launcher=cores`, `gpus`, `slurm` and
`submitit_local`. What runs the jobs are Hydra's own plugins of joblib and submitit.

A job that dies without a word (killed, out of memory, its node lost) is begun again, and goes on from its checkpoint;
after `retries` times it counts as failed, and the rest of the sweep is not touched. Hydra takes plugins from the
package `hydra_plugins` alone, and imports all of them at each start: nothing heavy is imported here.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn, JobStatus
from hydra_plugins.hydra_joblib_launcher.config import JobLibLauncherConf
from hydra_plugins.hydra_joblib_launcher.joblib_launcher import JoblibLauncher
from hydra_plugins.hydra_submitit_launcher.config import LocalQueueConf, SlurmQueueConf
from hydra_plugins.hydra_submitit_launcher.submitit_launcher import BaseSubmititLauncher

from saddlegan.checks import ConfigError, NonNegativeInt, PositiveInt, check_value
from saddlegan.cli import sweeps
from saddlegan.cli.gpus import OnSlot, visible_gpus

Job = Sequence[str]
#: Seconds between two looks at the queue, and those that a result may come later than its job goes.
LOOK, GRACE = 2.0, 2.0


@dataclass
class CoresConf(JobLibLauncherConf):
    _target_: str = "hydra_plugins.saddlegan_launchers.CoresLauncher"
    retries: int = 2


@dataclass
class GpusConf(CoresConf):
    _target_: str = "hydra_plugins.saddlegan_launchers.GpusLauncher"
    devices: str = "all"
    jobs_per_gpu: int = 1


@dataclass
class SlurmConf(SlurmQueueConf):
    _target_: str = "hydra_plugins.saddlegan_launchers.SlurmLauncher"
    retries: int = 2
    wait: bool = True


@dataclass
class SubmititLocalConf(LocalQueueConf):
    """What hydra/launcher=slurm does, in processes of this machine, all of them at once."""

    _target_: str = "hydra_plugins.saddlegan_launchers.SubmititLocalLauncher"
    timeout_min: int = 1440
    retries: int = 2
    wait: bool = True


#: Those with a file in conf/ stand behind it; the last one takes the place of the plugin's own.
CHOICES = {
    "saddlegan_cores": CoresConf,
    "saddlegan_gpus": GpusConf,
    "saddlegan_slurm": SlurmConf,
    "submitit_local": SubmititLocalConf,
}
for name, node in CHOICES.items():
    ConfigStore.instance().store(group="hydra/launcher", name=name, node=node, provider="saddlegan")


class CoresLauncher(JoblibLauncher):
    """Workers on this machine, each of which takes the next job when it is free."""

    def __init__(self, *, retries: int, **joblib: Any) -> None:
        super().__init__(**joblib)
        self.retries = retries

    def setup(self, **given: Any) -> None:
        check_value("hydra.launcher.retries", NonNegativeInt, self.retries)
        super().setup(**given)

    def launch(self, job_overrides: Sequence[Job], initial_job_idx: int) -> Sequence[JobReturn]:
        from joblib.externals.loky.process_executor import BrokenProcessPool

        for left in range(self.retries, -1, -1):
            try:
                return super().launch(job_overrides, initial_job_idx)
            except BrokenProcessPool as error:  # the jobs that are finished say so at once when they are begun again
                remedy = f"begun again, {left} times more at most" if left else "given up"
                _warn(f"a worker died: {' '.join(str(error).split())[:300]} Its sweep is {remedy}.")
        return [answer(self, sweeps.outcome(folder)) for folder in folders(self, job_overrides)]


class GpusLauncher(CoresLauncher):
    """As many workers as there are GPUs, times `jobs_per_gpu`; each sees the one GPU of its slot alone."""

    def __init__(self, *, devices: str, jobs_per_gpu: int, **cores: Any) -> None:
        super().__init__(**cores)
        self.devices = str(devices)
        self.jobs_per_gpu = jobs_per_gpu

    def setup(self, **given: Any) -> None:
        check_value("hydra.launcher.jobs_per_gpu", PositiveInt, self.jobs_per_gpu)
        found = visible_gpus() if self.devices == "all" else [one.strip() for one in self.devices.split(",")]
        if not all(found) or not found:
            raise ConfigError(
                f"hydra.launcher.devices={self.devices}: got {len(found)} GPUs, expected one or more. Remedy:"
                " hydra/launcher=cores, or hydra.launcher.devices='0,1' for those that nvidia-smi does not list."
            )
        self.slots = [device for device in found for _ in range(self.jobs_per_gpu)]
        self.joblib["n_jobs"] = len(self.slots)
        self.locks = tempfile.TemporaryDirectory(prefix="saddlegan-gpus-")
        super().setup(**given)
        self.task_function = OnSlot(given["task_function"], self.slots, self.locks.name)


class QueueLauncher(BaseSubmititLauncher):
    """Jobs in a queue of submitit's. With `wait` false it submits them and ends."""

    def __init__(self, *, retries: int, wait: bool, **params: Any) -> None:
        super().__init__(**params)
        self.retries = retries
        self.wait = wait

    def setup(self, **given: Any) -> None:
        check_value("hydra.launcher.retries", NonNegativeInt, self.retries)
        super().setup(**given)

    def launch(self, job_overrides: Sequence[Job], initial_job_idx: int) -> Sequence[JobReturn]:
        where = folders(self, job_overrides)
        found: dict[int, JobReturn] = {}
        waiting = list(range(len(job_overrides)))
        for left in range(self.retries, -1, -1):
            submitted = self._submit([job_overrides[place] for place in waiting], initial_job_idx)
            ids = list(dict.fromkeys(str(job.job_id).partition("_")[0] for job in submitted))
            more = ", ..." * (len(ids) > 4)
            print(f"submitted: {len(waiting)} jobs, {self._EXECUTOR} {', '.join(ids[:4])}{more}", flush=True)
            if not self.wait:
                outcome = {"status": "submitted", "error": None}
                return [answer(self, {"folder": str(folder)} | outcome) for folder in where]
            self._until_gone(submitted)
            lost = []
            for place, job in zip(waiting, submitted, strict=True):
                try:
                    if not job.paths.result_pickle.exists():
                        raise RuntimeError("it is gone from the queue, and left no result.")
                    found[place] = job.results()[0]
                except Exception as error:  # whatever submitit says of a job that left no answer
                    lost.append(place)
                    said = (str(error).strip() or type(error).__name__).splitlines()[0][:300]
                    remedy = f"It is begun again, {left} times more at most." if left else "It is given up."
                    _warn(f"job {job.job_id} ({' '.join(job_overrides[place])}) left no answer: {said} {remedy}")
            waiting = lost
            if not waiting:
                break
        return [found.get(place) or answer(self, sweeps.outcome(folder)) for place, folder in enumerate(where)]

    def _submit(self, jobs: Sequence[Job], first: int) -> list[Any]:
        import submitit

        assert self.config is not None
        params = dict(self.params)
        timeouts = params.pop("max_num_timeout", None)
        own = {} if timeouts is None else {f"{self._EXECUTOR}_max_num_timeout": timeouts}
        executor = submitit.AutoExecutor(cluster=self._EXECUTOR, folder=params.pop("submitit_folder"), **own)
        shared = {field for field in LocalQueueConf.__dataclass_fields__ if field != "_target_"}
        executor.update_parameters(
            **{key if key in shared else f"{self._EXECUTOR}_{key}": value for key, value in params.items()}
        )
        state = Singleton.get_state()
        each = [(list(job), "hydra.sweep.dir", first + n, f"job_{first + n}", state) for n, job in enumerate(jobs)]
        return executor.map_array(self, *zip(*each, strict=True))

    def _until_gone(self, jobs: Sequence[Any]) -> None:
        """Wait until each job has left a result, or is gone from the queue."""
        while jobs:
            queued = self._queued(jobs)
            left = [job for job in jobs if not job.paths.result_pickle.exists()]
            jobs = [job for job in left if job.job_id in queued]
            if len(jobs) < len(left):  # a result may come late over a network's file system
                time.sleep(GRACE)
            elif jobs:
                time.sleep(LOOK)

    def _queued(self, jobs: Sequence[Any]) -> set[str]:
        """The ids of those that wait or run."""
        return {job.job_id for job in jobs if not job.done()}


class SlurmLauncher(QueueLauncher):
    """Jobs of SLURM, in arrays."""

    _EXECUTOR = "slurm"

    def _queued(self, jobs: Sequence[Any]) -> set[str]:
        """As squeue says it: submitit asks sacct, which many clusters have not, and then waits for ever."""
        arrays = sorted({job.job_id.partition("_")[0] for job in jobs})
        words = ["squeue", "--noheader", "--array", "--format=%i", f"--jobs={','.join(arrays)}"]
        asked = subprocess.run(words, capture_output=True, text=True, check=False)
        if asked.returncode and "Invalid job id" not in asked.stderr:  # the controller does not answer: not for long
            return {job.job_id for job in jobs}
        return set(asked.stdout.split())


class SubmititLocalLauncher(QueueLauncher):
    """Processes on this machine, as submitit starts them: to try on a laptop what SLURM will do."""

    _EXECUTOR = "local"


def folders(launcher: Any, jobs: Sequence[Job]) -> list[Path]:
    """The run folder of each job."""
    load = launcher.hydra_context.config_loader.load_sweep_config
    configs = [load(launcher.config, list(job)) for job in jobs]
    return [Path(str(config.hydra.sweep.dir)) / str(config.hydra.sweep.subdir) for config in configs]


def answer(launcher: Any, outcome: dict[str, Any]) -> JobReturn:
    """What the sweeper is told of a job that left no answer of its own, or none yet."""
    found, hydra = JobReturn(status=JobStatus.COMPLETED), launcher.config.hydra
    found.return_value = outcome
    if sweeps.is_foreign(hydra):
        found.return_value = sweeps.value_of(outcome, launcher.config.report.metric)
    return found


def _warn(text: str) -> None:
    print(f"saddlegan: warning: {text}", file=sys.stderr)
