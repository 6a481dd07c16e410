"""What training runs on, and with what numbers."""

import logging
import os
import warnings

import lightning.fabric
import torch
from lightning.fabric.strategies.ddp import DDPStrategy

from animl_kedro.errors import InputError
from animl_kedro.pipelines.modeling.parameters import ModelingParams
from animl_kedro.threads import default_threads


def processes_here(params: ModelingParams) -> int:
    """How many processes train on this host. Raises InputError where there are fewer GPUs than that."""
    gpus = gpu_count(params)
    if params.processes == "auto":
        return max(gpus, 1)
    if params.device != "cpu" and 0 < gpus < params.processes:
        raise InputError(
            f"modeling.processes is {params.processes}, and this host has {gpus} GPUs: set it to {gpus} or auto."
        )
    return params.processes


def gpu_count(params: ModelingParams) -> int:
    """How many GPUs training may use. Raises InputError where it must use one and there is none."""
    if params.device == "cpu":
        return 0
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if params.device == "gpu" and not gpus:
        raise InputError("modeling.device is gpu, and torch finds none on this host: set it to auto or cpu.")
    return gpus


def precision_for(params: ModelingParams) -> str:
    """The precision in Lightning's words: as wanted, or what is fast and safe on the device."""
    if params.precision != "auto":
        return params.precision
    if not gpu_count(params):
        return "32-true"
    return "bf16-mixed" if torch.cuda.is_bf16_supported(including_emulation=False) else "16-mixed"


def loader_workers(params: ModelingParams) -> int:
    """How many threads or processes load crops for each process that trains on this host."""
    if params.loader_workers == "auto":
        return max(default_threads() // processes_here(params), 1)
    return params.loader_workers


def open_fabric(params: ModelingParams) -> lightning.fabric.Fabric:
    """Lightning's Fabric for this process: alone, or one of those that torch's launcher has started."""
    _quiet_lightning()
    gpus = gpu_count(params)
    world = int(os.environ.get("WORLD_SIZE", "1")) if torch.distributed.is_torchelastic_launched() else 1
    if gpus:
        torch.backends.cudnn.benchmark = True  # all batches but the last are of one size
        torch.set_float32_matmul_precision("high")
    return lightning.fabric.Fabric(
        accelerator="cuda" if gpus else "cpu",
        # batch norm's statistics are exchanged once before validation, and not at every step
        strategy=DDPStrategy(broadcast_buffers=False, gradient_as_bucket_view=True) if world > 1 else "auto",
        devices=processes_here(params) if world > 1 else 1,
        num_nodes=params.hosts if world > 1 else 1,
        precision=precision_for(params),  # type: ignore[arg-type]
    )


def _quiet_lightning() -> None:
    """Lightning announces devices and tips, each line twice; the lines of the epochs say enough."""
    warnings.filterwarnings("ignore", message=r"`isinstance\(treespec")  # Lightning 2.6 with torch 2.15
    for name in ("lightning", "lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
        logging.getLogger(name).handlers.clear()
