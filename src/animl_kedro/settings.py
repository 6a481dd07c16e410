"""Kedro's settings of this project."""

from animl_kedro.hooks import FinalWordsHook, MissingInputsHook

HOOKS = (MissingInputsHook(), FinalWordsHook())

# One parameter can be overridden in an environment without repeating its neighbours.
CONFIG_LOADER_ARGS = {
    "base_env": "base",
    "default_run_env": "local",
    "merge_strategy": {"parameters": "soft"},
}
