"""Training in several processes, on the CPU."""

import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.fabric import Fabric
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from animl_kedro.errors import InputError
from animl_kedro.pipelines.modeling.devices import open_fabric, precision_for, processes_here
from animl_kedro.pipelines.modeling.distributed import checksum_of_weights, run
from animl_kedro.pipelines.modeling.fingerprints import FILE_TIMES, PIXELS
from animl_kedro.pipelines.modeling.jobs import Job, Result
from animl_kedro.pipelines.modeling.meeting import meet
from animl_kedro.pipelines.modeling.parameters import ModelingParams
from animl_kedro.pipelines.modeling.stepping import Stepper
from animl_kedro.pipelines.modeling.worker import main
from animl_kedro.tables import Split
from crop_factories import make_crops, make_labeled_crops, write_crops
from hosts import free_address
from projects import Project
from tiny_training import CLASSES, Greedy, tiny_fabric, tiny_params

VAL_CROPS = 13  # not to be divided by two


def make_job(folder: Path, **changes: Any) -> Job:
    crops = make_crops(crops=45)
    images = write_crops(crops, folder / "crops")
    labeled = make_labeled_crops(crops).sort_values("crop_id", ignore_index=True)
    split = [Split.VAL if number < VAL_CROPS else Split.TRAIN for number in range(len(labeled))]
    labels = tuple(sorted(labeled["label"].unique()))
    params = ModelingParams.model_validate(
        {"image_size": 32, "device": "cpu", "epochs": 1, "batch_size": 16, "label_weighted": False, "processes": 1}
        | changes
    )
    table = labeled[["crop_id", "label"]].assign(split=split)
    return Job(table, None, labels, images, params, folder / "checkpoints")


def crops_counted(result: Result, split: Split) -> int:
    row = next(row for row in result.outcome.history if row["split"] == split)
    return round(float(row["images_per_second"]) * float(row["seconds"]))


def test_two_processes_end_with_one_set_of_weights_and_count_every_crop_once(tmp_path: Path) -> None:
    """`run` itself refuses processes that end with different weights."""
    options = {"epochs": 2, "head_only_epochs": 1, "accumulate": 2, "ema_decay": 0.9, "checkpoint_minutes": 1e-9}
    result = run(make_job(tmp_path, processes=2, **options))
    assert [row["split"] for row in result.outcome.history] == ["train", "val"] * 2
    assert crops_counted(result, Split.VAL) == VAL_CROPS
    assert crops_counted(result, Split.TRAIN) == 45 - VAL_CROPS
    assert result.run["processes"] == 2
    assert not list((tmp_path / "checkpoints").glob("*.pt"))


def test_refusal_of_a_process_arrives_as_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Training diverged in epoch 1"):
        run(make_job(tmp_path, processes=2, learning_rate=1e30, epochs=3))


def learn_together(holds: int) -> tuple[dict[str, Any], int]:
    """A step in one of two processes, of which the second can hold only so many crops; its weights and its parts."""
    torch.set_num_threads(1)
    params = tiny_params(batch_size=16, processes=2, halve_batch_on_oom=True)
    fabric = open_fabric(params)
    fabric.launch()
    learned = learn_a_step(params, fabric, holds if fabric.global_rank else 16)
    torch.distributed.destroy_process_group()
    return learned


def learn_a_step(params: ModelingParams, fabric: Fabric, holds: int) -> tuple[dict[str, Any], int]:
    torch.manual_seed(0)
    network = Greedy(holds)
    network.body[1] = torch.nn.Identity()  # each process and each part would have statistics of its own
    network.dropout.p = 0.0
    images, targets = torch.randn(16, 3, 8, 8), torch.arange(16) % CLASSES
    mine = slice(fabric.global_rank, None, fabric.world_size)
    stepper = Stepper(network, params, fabric)
    stepper.start_epoch(head_only=False)
    stepper.step(images[mine], targets[mine], 16, 0.01, (0, 0))
    return {name: tensor.numpy() for name, tensor in network.state_dict().items()}, stepper.accumulate


def test_memory_that_runs_out_in_one_process_lets_all_divide_alike_and_learn_the_same() -> None:
    config = LaunchConfig(1, 1, 2, run_id="test", rdzv_backend="c10d", rdzv_endpoint="localhost:0", max_restarts=0)
    learned = elastic_launch(config, learn_together)(3)
    assert [parts for _, parts in learned.values()] == [4, 4]  # of eight crops each
    alone, _ = learn_a_step(tiny_params(batch_size=16), tiny_fabric(), 16)
    for weights, _ in learned.values():
        for name, numbers in weights.items():
            assert numbers == pytest.approx(alone[name], abs=1e-5), name


def meet_as(address: str, host: int, fingerprint: dict[str, str], wait: float = 20) -> str | None:
    try:
        meet(address, host, 3, fingerprint, wait)
    except InputError as error:
        return str(error)
    return None


def test_hosts_that_agree_meet_in_any_order_whatever_else_knocks() -> None:
    address = free_address()
    with ThreadPoolExecutor() as pool:
        prints = [{"the crops": "a", FILE_TIMES: str(host), PIXELS: str(host)} for host in range(3)]
        others = [pool.submit(meet_as, address, host, prints[host]) for host in (2, 1)]
        first = pool.submit(meet_as, address, 0, prints[0])
        name, port = address.split(":")
        with suppress(OSError), socket.create_connection((name, int(port)), timeout=1) as stranger:
            stranger.sendall(b"GET / HTTP/1.1\n")
        assert [future.result() for future in (first, *others)] == [None, None, None]


def test_hosts_that_are_to_train_on_different_things_are_refused_on_both_sides() -> None:
    address = free_address()
    with ThreadPoolExecutor() as pool:
        first = pool.submit(meet_as, address, 0, {"modeling.seed": "0", "when the crop files were written": "a"})
        other = pool.submit(meet_as, address, 2, {"modeling.seed": "1", "when the crop files were written": "b"})
        expected = "Host 2 is about to train on something else than host 0. These differ: modeling.seed (it was 0, and"
        assert str(first.result()).startswith(expected)
        assert str(other.result()).startswith(expected)


def test_hosts_with_the_same_number_are_refused() -> None:
    address = free_address()
    with ThreadPoolExecutor() as pool:
        futures = [pool.submit(meet_as, address, host, {}) for host in (0, 1, 1)]
        assert {str(future.result()) for future in futures} == {
            "Two hosts say that they are host 1 of 3: give each its own --host, from 1 to 2."
        }


def test_hosts_that_do_not_come_are_named() -> None:
    address = free_address()
    assert "these of 3 hosts have not come: 1, 2" in str(meet_as(address, 0, {}, wait=0.1))
    assert "Host 0 does not answer at localhost" in str(meet_as(address, 1, {}, wait=0.1))


def test_hosts_whose_port_is_taken_are_told_so() -> None:
    with socket.create_server(("", 0)) as taken:
        assert "cannot be opened on this host" in str(meet_as(f"localhost:{taken.getsockname()[1]}", 0, {}))


def test_worker_whose_number_no_host_has_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(Project(tmp_path).folder)
    assert main(["--host=1"]) == 1
    assert "This is to be host 1, and modeling.hosts is 1" in caplog.text


def test_checksum_of_weights_is_of_names_and_numbers() -> None:
    one = {"a": torch.tensor([1.0]), "b": torch.tensor(2)}
    assert checksum_of_weights(one) == checksum_of_weights({name: tensor.clone() for name, tensor in one.items()})
    assert checksum_of_weights(one) != checksum_of_weights(one | {"b": torch.tensor(3)})


def test_devices_without_a_gpu_are_one_process_in_full_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    params = ModelingParams()
    assert (processes_here(params), precision_for(params)) == (1, "32-true")
    with pytest.raises(InputError, match="torch finds none on this host"):
        processes_here(ModelingParams(device="gpu"))


@pytest.mark.parametrize(("has_bf16", "expected"), [(True, "bf16-mixed"), (False, "16-mixed")])
def test_devices_with_gpus_are_all_used_in_the_precision_they_have(
    monkeypatch: pytest.MonkeyPatch, has_bf16: bool, expected: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: has_bf16)
    assert (processes_here(ModelingParams()), precision_for(ModelingParams())) == (4, expected)
    assert precision_for(tiny_params()) == "32-true"
    with pytest.raises(InputError, match=r"modeling.processes is 8, and this host has 4 GPUs"):
        processes_here(ModelingParams(processes=8))
