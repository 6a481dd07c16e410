"""The registry of networks and the weights that they can start from."""

import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from efficientnet_pytorch import EfficientNet
from efficientnet_pytorch.utils import efficientnet_params, url_map

from animl_kedro.classifier.backbones import BACKBONES, backbone_named, build_network, load_weights
from animl_kedro.errors import InputError

B0 = "efficientnet-b0"


def test_registry_sizes_are_those_of_efficientnet_pytorch() -> None:
    for name, backbone in BACKBONES.items():
        assert backbone.image_size == efficientnet_params(name)[2]


def test_unknown_name_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(ValueError, match=r"unknown backbone 'b3': one of efficientnet-b0, .*efficientnet-b7"):
        backbone_named("b3")


@pytest.fixture(scope="module")
def trained() -> Any:
    """A network of efficientnet-pytorch's own making, its batch norm fed, with four classes."""
    torch.manual_seed(0)
    network = EfficientNet.from_name(B0, num_classes=4, image_size=64)
    for _ in range(3):
        network.train()(torch.rand(4, 3, 64, 64))
    return network.eval()


def outputs(network: Any) -> torch.Tensor:
    with torch.inference_mode():
        result: torch.Tensor = network.eval()(torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1)))
    return result


@pytest.mark.parametrize("wrap", [lambda state: state, lambda state: {"model": state, "epoch": 3, "val/acc": 0.5}])
def test_weights_of_a_checkpoint_give_its_outputs(trained: Any, wrap: Any, tmp_path: Path) -> None:
    torch.save(wrap(trained.state_dict()), tmp_path / "weights.pt")
    network = build_network(B0, 4, 64)
    assert not torch.allclose(outputs(network), outputs(trained), atol=1e-3)
    assert load_weights(network, tmp_path / "weights.pt") == []
    assert torch.equal(outputs(network), outputs(trained))


def test_weights_with_a_head_of_another_size_leave_the_new_head(trained: Any, tmp_path: Path) -> None:
    torch.save({"model": trained.state_dict()}, tmp_path / "weights.pt")
    network = build_network(B0, 7, 64)
    assert sorted(load_weights(network, tmp_path / "weights.pt")) == ["_fc.bias", "_fc.weight"]
    assert torch.equal(network.get_parameter("_conv_stem.weight"), trained.get_parameter("_conv_stem.weight"))


def test_weights_of_another_network_are_refused_with_what_differs(tmp_path: Path) -> None:
    torch.save(torch.nn.Linear(2, 2).state_dict(), tmp_path / "weights.pt")
    with pytest.raises(InputError, match=r"does not fit the network: it has 2 weights, 360 are expected.*_blocks"):
        load_weights(build_network(B0, 4, 64), tmp_path / "weights.pt")


def test_weights_of_a_wider_network_are_refused_with_its_shape(tmp_path: Path) -> None:
    wider = EfficientNet.from_name(B0, num_classes=4, width_coefficient=1.2)
    torch.save(wider.state_dict(), tmp_path / "weights.pt")
    with pytest.raises(
        InputError, match=r"_conv_stem.weight has the shape \(40, 3, 3, 3\), expected is \(32, 3, 3, 3\)"
    ):
        load_weights(build_network(B0, 4, 64), tmp_path / "weights.pt")


def test_imagenet_weights_are_downloaded_and_get_a_new_head(
    trained: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.save(trained.state_dict(), tmp_path / "offered.pth")
    monkeypatch.setitem(url_map, B0, (tmp_path / "offered.pth").as_uri())
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "cache"))
    network = build_network(B0, 9, 64, imagenet=True)
    assert torch.equal(network.get_parameter("_conv_stem.weight"), trained.get_parameter("_conv_stem.weight"))
    assert network.get_parameter("_fc.weight").shape == (9, 1280)


def test_imagenet_weights_that_cannot_be_downloaded_are_an_error_with_advice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(url_map, B0, "http://127.0.0.1:9/weights.pth")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "cache"))
    with pytest.raises(InputError, match=r"could not be downloaded.*set modeling.weights to `none`"):
        build_network(B0, 9, 64, imagenet=True)


def test_weights_that_are_absent_or_no_weights_are_refused(tmp_path: Path) -> None:
    network = build_network(B0, 4, 64)
    with pytest.raises(InputError, match=r"There is no file of weights at .*correct modeling.weights"):
        load_weights(network, tmp_path / "absent.pt")
    (tmp_path / "text.pt").write_text("not weights")
    with pytest.raises(InputError, match="can be read safely"):
        load_weights(network, tmp_path / "text.pt")
    torch.save([1, 2], tmp_path / "list.pt")
    with pytest.raises(InputError, match="neither a state dict nor"):
        load_weights(network, tmp_path / "list.pt")


class _Trap:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.mkdir, (self.folder,)


def test_weights_with_code_in_them_are_refused_and_the_code_is_not_run(tmp_path: Path) -> None:
    sprung = tmp_path / "sprung"
    torch.save({"model": _Trap(sprung)}, tmp_path / "torch.pt")
    (tmp_path / "pickle.pt").write_bytes(pickle.dumps(_Trap(sprung)))
    for name in ("torch.pt", "pickle.pt"):
        with pytest.raises(InputError):
            load_weights(build_network(B0, 4, 64), tmp_path / name)
    assert not sprung.exists()
