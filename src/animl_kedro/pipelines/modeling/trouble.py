"""What goes wrong while a network trains, told so that a person can do something about it."""

import logging
from collections.abc import Callable, Sequence

import torch

from animl_kedro.errors import InputError

logger = logging.getLogger(__name__)

TOLD = 5
"""Crops that a message names."""

OUT_OF_MEMORY = ("can't allocate memory", "not enough memory", "out of memory")
"""What torch says on a CPU, and in libraries of the GPU."""


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether an error of torch means that memory does not suffice."""
    return isinstance(error, torch.OutOfMemoryError) or any(words in str(error) for words in OUT_OF_MEMORY)


def largest_that_fits(fits: Callable[[int], None], highest: int) -> int:
    """The largest of `highest`, its half, its quarter … for which `fits` does not run out of memory; 0 if none."""
    number = highest
    while number:
        try:
            fits(number)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            _give_memory_back()
            number //= 2
        else:
            return number
    return 0


def out_of_memory(part: int, fitting: int, accumulate: int, batch_size: int) -> InputError:
    """The error for `part` crops that are too many at once, where only `fitting` are not."""
    if not fitting:
        return InputError(
            f"Out of memory with {part} crops at once, and not even one fits: lower modeling.image_size, choose a "
            "smaller modeling.backbone, or stop what else uses the memory."
        )
    needed = accumulate * -(-part // fitting)
    return InputError(
        f"Out of memory with {part} crops at once; {fitting} would fit. Set modeling.accumulate to {needed}, which "
        f"trains as before in smaller parts, or lower modeling.batch_size from {batch_size} to "
        f"{max(batch_size * fitting // part, 2)}, or set modeling.halve_batch_on_oom to true, which goes on from the "
        "last checkpoint."
    )


def diverged(epoch: int, step: int, crop_ids: Sequence[str], learning_rate: float) -> InputError:
    """The error for a loss that is not finite; `epoch` and `step` are counted from 1."""
    named = ", ".join(crop_ids[:TOLD]) + (f" and {len(crop_ids) - TOLD} more" if len(crop_ids) > TOLD else "")
    return InputError(
        f"Training diverged in epoch {epoch}: the loss of step {step} is no longer finite, with the crops {named}. "
        f"Lower modeling.learning_rate (it is {learning_rate:g}) and run the pipeline again; if it is always the same "
        "crops, look at them."
    )


def diverged_in_validation(epoch: int, learning_rate: float) -> InputError:
    """The error for a network whose answers are not finite; such a one must never be taken for a good one."""
    return InputError(
        f"Training diverged in epoch {epoch}: the network's answers to the validation crops are not finite. Lower "
        f"modeling.learning_rate (it is {learning_rate:g}) and run the pipeline again."
    )


def _give_memory_back() -> None:
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
