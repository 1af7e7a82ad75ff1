"""Hydra's loader of configurations, which judges what each has Hydra make: of a run, of a sweep, and of each of its
jobs. A callback would come too late, since all of them are made before the first is called."""

from typing import Any

from hydra._internal import hydra as main
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from omegaconf import DictConfig

from saddlegan.config.made_by_hydra import check_made_by_hydra


class Loader(ConfigLoaderImpl):
    """Raises `ConfigError` in the place of a configuration that has Hydra make what is not allowed."""

    def load_configuration(self, *args: Any, **kwargs: Any) -> DictConfig:
        config = super().load_configuration(*args, **kwargs)
        check_made_by_hydra(config)
        return config


def load_with_it() -> None:
    """Have Hydra load all configurations of this process with it. Hydra offers no place for a loader of one's own."""
    main.ConfigLoaderImpl = Loader  # type: ignore[misc]
