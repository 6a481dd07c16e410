"""Settings of the process that torch runs fast with on a CPU. They have to be made before torch is imported."""

import os

from animl_kedro.allocator import keep_freed_memory


def prepare_torch() -> None:
    """Make the settings; a second call changes nothing.

    Threads that wait for each other sleep instead of spinning: where another program uses a processor, spinning makes
    training several times slower.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    keep_freed_memory()
