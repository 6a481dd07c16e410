"""Kedro's settings of this project."""

from animl_kedro.hooks import DryRunHook, FinalWordsHook, MissingInputsHook, OldVersionHook, ParameterNamesHook
from animl_kedro.run_manifest import RunManifestHook

HOOKS = (
    ParameterNamesHook(),
    DryRunHook(),
    OldVersionHook(),
    MissingInputsHook(),
    RunManifestHook(),
    FinalWordsHook(),
)

# Nobody is told how the project is used; .telemetry says the same to Kedro's command line.
DISABLE_HOOKS_FOR_PLUGINS = ("kedro-telemetry",)

# One parameter can be overridden in an environment without repeating its neighbours.
CONFIG_LOADER_ARGS = {
    "base_env": "base",
    "default_run_env": "local",
    "merge_strategy": {"parameters": "soft"},
}
