"""Launchers that bring a sweep to its end whatever becomes of its workers: `hydra/launcher=cores`, `gpus`, `slurm` and
`local_queue`. What runs the jobs are Hydra's own plugins of joblib and submitit.

A job that dies without a word (killed, out of memory, its node lost) is begun again, `retries` times at most, and goes
on from its checkpoint. Then it counts as failed; the rest of the sweep is not touched. Hydra takes plugins from the
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

from saddlegan.checks import ConfigError, NonNegativeInt, PositiveInt, check_value, wrong
from saddlegan.cli import sweeps
from saddlegan.cli.gpus import OnSlot, visible_gpus
from saddlegan.engine.stopping import interrupting
from saddlegan.folder import RESULT, DamagedRun, read_result
from saddlegan.lock import LOCK

Job = Sequence[str]
#: Seconds between two looks at the queue, and those that a result may come later than its job goes.
LOOK, GRACE = 2.0, 2.0
#: Seconds by which the time of a file may lie before that of the clock.
TICK = 0.05


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
class LocalConf(LocalQueueConf):
    _target_: str = "hydra_plugins.saddlegan_launchers.LocalLauncher"
    retries: int = 2
    wait: bool = True


#: What the files of conf/hydra/launcher begin with.
CHOICES = {"cores": CoresConf, "gpus": GpusConf, "slurm": SlurmConf, "local_queue": LocalConf}
for name, node in CHOICES.items():
    ConfigStore.instance().store(group="hydra/launcher", name=f"saddlegan_{name}", node=node, provider="saddlegan")


class CoresLauncher(JoblibLauncher):
    """Workers on this machine, each of which takes the next job when it is free."""

    def __init__(self, *, retries: int, **joblib: Any) -> None:
        super().__init__(**joblib)
        self.retries = retries

    def setup(self, **given: Any) -> None:
        check_value("hydra.launcher.retries", NonNegativeInt, self.retries)
        super().setup(**given)

    def launch(self, job_overrides: Sequence[Job], initial_job_idx: int) -> Sequence[JobReturn]:
        """Where a worker dies joblib ends all of them. The jobs that had begun then run one by one, so that it shows
        whose death it is; after them come those that had not begun."""
        found: dict[int, JobReturn] = {}
        where: list[Path] = []
        waiting = list(range(len(job_overrides)))
        while waiting:
            began = time.time() - TICK
            jobs = [job_overrides[place] for place in waiting]
            if (ended := self._launched(jobs, initial_job_idx)) is not None:
                found |= dict(zip(waiting, ended, strict=True))
                break
            where = where or folders(self, job_overrides)
            entered = [place for place in waiting if _newer(where[place] / LOCK, began)]
            for place in entered or waiting[:1]:
                if not _newer(where[place] / RESULT, began):
                    self._alone(job_overrides[place], initial_job_idx + place)
                found[place] = answer(self, sweeps.outcome(where[place]))
            waiting = [place for place in waiting if place not in found]
        return [found[place] for place in range(len(job_overrides))]

    def _launched(self, jobs: Sequence[Job], first: int) -> Sequence[JobReturn] | None:
        """What the jobs return; None where a worker died."""
        from joblib.externals.loky.process_executor import BrokenProcessPool

        try:
            return super().launch(jobs, first)
        except BrokenProcessPool as error:
            _warn(f"a worker died: {' '.join(str(error).split())[:300]} The jobs that had begun go on one by one.")
            return None

    def _alone(self, job: Job, number: int) -> None:
        """Let a job go on, at most so often as it may be begun again."""
        for _ in range(self.retries):
            if self._launched([going_on(job)], number) is not None:
                return
        _warn(f"the job {' '.join(job)} was begun {self.retries + 1} times, and its worker died each time.")


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
        config = given["config"]
        if not self.wait and sweeps.is_foreign(config.hydra):
            raise wrong("hydra.launcher.wait", False, "true, since a search waits for the numbers of its jobs")
        super().setup(**given)

    def __call__(self, *given: Any) -> JobReturn:
        """One job, in a process of submitit's."""
        with interrupting():
            return super().__call__(*given)

    def launch(self, job_overrides: Sequence[Job], initial_job_idx: int) -> Sequence[JobReturn]:
        for job in job_overrides:
            asked = next((word for word in reversed(job) if word.startswith("existing=")), "existing=continue")
            if asked != "existing=continue":
                raise ConfigError(
                    f"{asked}: got it for jobs of a queue, expected existing=continue: a job that is queued again is to"
                    " go on with what it has done. Remedy: another output_root."
                )
        found: dict[int, JobReturn] = {}
        waiting = list(range(len(job_overrides)))
        for left in range(self.retries, -1, -1):
            submitted = self._submit([job_overrides[place] for place in waiting], initial_job_idx)
            ids = list(dict.fromkeys(str(job.job_id).partition("_")[0] for job in submitted))
            more = ", ..." * (len(ids) > 4)
            print(f"submitted: {len(waiting)} jobs, {self._EXECUTOR} {', '.join(ids[:4])}{more}", flush=True)
            if not self.wait:
                outcome = {"status": "submitted", "error": None}
                return [answer(self, {"folder": str(folder)} | outcome) for folder in folders(self, job_overrides)]
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
                    remedy = f"It is begun again; so it is {left} times at most." if left else "It is given up."
                    _warn(f"job {job.job_id} ({' '.join(job_overrides[place])}) left no answer: {said} {remedy}")
            waiting = lost
            if not waiting:
                break
        where = folders(self, [job_overrides[place] for place in waiting])
        found |= {place: answer(self, sweeps.outcome(folder)) for place, folder in zip(waiting, where, strict=True)}
        return [found[place] for place in range(len(job_overrides))]

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


class LocalLauncher(QueueLauncher):
    """Processes on this machine, as submitit starts them: to try on a laptop what SLURM will do."""

    _EXECUTOR = "local"


def going_on(job: Job) -> list[str]:
    """The job, which is to go on with what it has done before, whatever it was to do with it."""
    return [*(word for word in job if not word.startswith("existing=")), "existing=continue"]


def _newer(path: Path, when: float) -> bool:
    return path.is_file() and path.stat().st_mtime >= when


def folders(launcher: Any, jobs: Sequence[Job]) -> list[Path]:
    """The run folder of each job. Hydra composes each anew for it, which takes a tenth of a second."""
    load = launcher.hydra_context.config_loader.load_sweep_config
    configs = [load(launcher.config, list(job)) for job in jobs]
    return [Path(str(config.hydra.sweep.dir)) / str(config.hydra.sweep.subdir) for config in configs]


def answer(launcher: Any, outcome: dict[str, Any]) -> JobReturn:
    """What the sweeper is told of a job that left no answer of its own, or none yet."""
    found, hydra = JobReturn(status=JobStatus.COMPLETED), launcher.config.hydra
    found.return_value = outcome
    if sweeps.is_foreign(hydra):
        try:
            result = read_result(Path(outcome["folder"])) or {}
        except DamagedRun:
            result = {}
        found.return_value = sweeps.value_of(result, launcher.config.report.metric)
    return found


def _warn(text: str) -> None:
    print(f"saddlegan: warning: {text}", file=sys.stderr)
