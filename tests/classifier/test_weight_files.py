"""What a network starts from."""

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from efficientnet_pytorch import EfficientNet
from efficientnet_pytorch.utils import url_map
from safetensors.torch import save_file
from torch import nn
from torchvision.models.vision_transformer import VisionTransformer

from animl_kedro.classifier import timm_networks, torchvision_networks
from animl_kedro.classifier.backbones import build_network
from animl_kedro.classifier.folder import CARD, WEIGHTS
from animl_kedro.classifier.weights import start_from
from animl_kedro.errors import InputError
from network_factories import make_reference, outputs

B0 = "efficientnet-b0"
LABELS = ("bird", "fox", "mouse", "skunk")
SIZE = 64


@pytest.fixture(scope="module")
def trained() -> Any:
    """A network of efficientnet-pytorch's own making with four classes."""
    return make_reference(0, SIZE, len(LABELS))


def start(weights: Path | str, labels: tuple[str, ...] = LABELS, backbone: str = B0) -> tuple[nn.Module, str]:
    network = build_network(backbone, len(labels), SIZE)
    return network, str(start_from(network, backbone, str(weights), labels))


def save_classifier(folder: Path, network: nn.Module, labels: tuple[str, ...] = LABELS, backbone: str = B0) -> None:
    folder.mkdir(parents=True)
    save_file({name: tensor.contiguous() for name, tensor in network.state_dict().items()}, folder / WEIGHTS)
    (folder / CARD).write_text(json.dumps({"backbone": backbone, "labels": labels}))


def parallel(state: dict[str, Any]) -> dict[str, Any]:
    return {f"module.{name}": tensor for name, tensor in state.items()}


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: state,
        parallel,
        lambda state: {"model": state, "epoch": 3, "val/acc": 0.5},
        lambda state: {"model": parallel(state), "epoch": 3},
    ],
)
def test_weights_of_a_checkpoint_give_its_outputs(trained: Any, wrap: Any, tmp_path: Path) -> None:
    torch.save(wrap(trained.state_dict()), tmp_path / "weights.pt")
    network, told = start(tmp_path / "weights.pt")
    torch.testing.assert_close(outputs(network, SIZE), outputs(trained, SIZE), rtol=0, atol=1e-5)
    assert told == f"weights from {tmp_path / 'weights.pt'}"


def test_weights_of_a_safetensors_file_are_loaded(trained: Any, tmp_path: Path) -> None:
    save_file(trained.state_dict(), tmp_path / "weights.safetensors")
    network, _ = start(tmp_path / "weights.safetensors")
    assert torch.equal(network.get_parameter("_fc.weight"), trained.get_parameter("_fc.weight"))


def test_weights_with_a_head_of_another_size_leave_the_new_head(trained: Any, tmp_path: Path) -> None:
    torch.save({"model": trained.state_dict()}, tmp_path / "weights.pt")
    network, told = start(tmp_path / "weights.pt", labels=("a", "b"))
    assert told.endswith("weights.pt, with a new last layer")
    assert network.get_parameter("_fc.weight").shape == (2, 1280)
    assert torch.equal(network.get_parameter("_conv_stem.weight"), trained.get_parameter("_conv_stem.weight"))


def test_no_weights_leave_the_network_as_it_is() -> None:
    network = build_network(B0, 4, SIZE)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    assert start_from(network, B0, "none", LABELS) is None
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_an_earlier_classifier_of_the_same_labels_is_gone_on_with(trained: Any, tmp_path: Path) -> None:
    save_classifier(tmp_path / "classifier", trained)
    network, told = start(tmp_path / "classifier")
    torch.testing.assert_close(outputs(network, SIZE), outputs(trained, SIZE), rtol=0, atol=1e-5)
    assert told == f"weights from the classifier in {tmp_path / 'classifier'}"


def test_an_earlier_classifier_of_other_labels_keeps_the_rows_of_those_in_common(trained: Any, tmp_path: Path) -> None:
    save_classifier(tmp_path / "classifier", trained)
    torch.manual_seed(1)
    fresh = build_network(B0, 3, SIZE).get_parameter("_fc.weight")
    torch.manual_seed(1)
    network, told = start(tmp_path / "classifier", labels=("skunk", "rat", "bird"))
    assert told.endswith("; in the last layer those of skunk, bird, new for the others")
    rows, earlier = network.get_parameter("_fc.weight"), trained.get_parameter("_fc.weight")
    assert torch.equal(rows[0], earlier[3])
    assert torch.equal(rows[1], fresh[1])
    assert torch.equal(rows[2], earlier[0])
    assert torch.equal(network.get_parameter("_fc.bias")[[0, 2]], trained.get_parameter("_fc.bias")[[3, 0]])


def test_the_same_labels_in_another_order_are_put_in_order(trained: Any, tmp_path: Path) -> None:
    save_classifier(tmp_path / "classifier", trained)
    network, _ = start(tmp_path / "classifier", labels=LABELS[::-1])
    torch.testing.assert_close(outputs(network, SIZE), outputs(trained, SIZE).flip(1), rtol=0, atol=1e-5)


def test_of_the_versions_of_a_classifier_the_newest_complete_one_is_taken(trained: Any, tmp_path: Path) -> None:
    root = tmp_path / "classifier"
    for day in ("01", "03", "02"):
        save_classifier(root / f"2026-11-{day}T00.00.00.000Z" / "classifier", trained)
    (root / "2026-11-04T00.00.00.000Z" / "classifier").mkdir(parents=True)
    (root / "2026-11-04T00.00.00.000Z" / "classifier" / CARD).write_text("{}")
    assert "2026-11-03" in start(root)[1]
    assert "2026-11-01" in start(root / "2026-11-01T00.00.00.000Z")[1]


def test_a_classifier_of_another_backbone_or_without_its_files_is_refused(trained: Any, tmp_path: Path) -> None:
    save_classifier(tmp_path / "b3", trained, backbone="efficientnet-b3")
    with pytest.raises(InputError, match=r"b3 is of efficientnet-b3, and modeling.backbone is efficientnet-b0"):
        start(tmp_path / "b3")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"empty holds no classifier: expected are classifier.json and weights"):
        start(tmp_path / "empty")
    (tmp_path / "b3" / CARD).write_text("[]")
    with pytest.raises(InputError, match=r"classifier.json is not the description of a classifier"):
        start(tmp_path / "b3")


def test_weights_of_another_network_are_refused_with_what_differs(trained: Any, tmp_path: Path) -> None:
    torch.save(torch.nn.Linear(2, 2).state_dict(), tmp_path / "weights.pt")
    with pytest.raises(
        InputError,
        match=r"has 2 weights, 360 are expected; it lacks _conv_stem.weight, .*, … and it has beyond them weight, bias",
    ):
        start(tmp_path / "weights.pt")
    without_one = {name: tensor for name, tensor in trained.state_dict().items() if name != "_bn1.bias"}
    torch.save(without_one, tmp_path / "weights.pt")
    with pytest.raises(InputError, match=r"360 are expected; it lacks _bn1.bias\. Set modeling.backbone"):
        start(tmp_path / "weights.pt")


def test_weights_of_a_wider_network_are_refused_with_its_shape(tmp_path: Path) -> None:
    wider = EfficientNet.from_name(B0, num_classes=4, width_coefficient=1.2)
    torch.save(wider.state_dict(), tmp_path / "weights.pt")
    with pytest.raises(
        InputError, match=r"_conv_stem.weight has the shape \(40, 3, 3, 3\), expected is \(32, 3, 3, 3\)"
    ):
        start(tmp_path / "weights.pt")


def test_imagenet_weights_are_downloaded_and_get_a_new_head(
    trained: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.save(trained.state_dict(), tmp_path / "offered.pth")
    monkeypatch.setitem(url_map, B0, (tmp_path / "offered.pth").as_uri())
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "cache"))
    network, told = start("imagenet")
    assert told == "weights from ImageNet's efficientnet-b0, with a new last layer"
    assert torch.equal(network.get_parameter("_conv_stem.weight"), trained.get_parameter("_conv_stem.weight"))
    assert not torch.equal(network.get_parameter("_fc.weight"), trained.get_parameter("_fc.weight"))


@pytest.mark.parametrize(
    ("backbone", "family"),
    [
        ("resnet18", torchvision_networks),
        ("googlenet", torchvision_networks),
        ("timm/mobilenetv3_small_050", timm_networks),
    ],
)
def test_imagenet_weights_of_other_families_get_a_new_head(
    backbone: str, family: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    offered = build_network(backbone, 1000, SIZE).state_dict()
    monkeypatch.setattr(family, "imagenet_state", lambda name: offered if name == backbone else {})
    network, _ = start("imagenet", backbone=backbone)
    first = next(name for name, _ in network.named_parameters())
    assert torch.equal(network.get_parameter(first), offered[first])


def test_imagenet_weights_of_torchvision_leave_out_auxiliary_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = torchvision.models.get_model("googlenet", weights=None, init_weights=False)
    monkeypatch.setattr(torchvision.models, "get_model", lambda *_, **__: whole)
    offered = torchvision_networks.imagenet_state("googlenet")
    monkeypatch.undo()
    assert offered.keys() == build_network("googlenet", 5, SIZE).state_dict().keys()


@pytest.mark.parametrize("backbone", [B0, "resnet18"])
def test_imagenet_weights_that_cannot_be_downloaded_are_an_error_with_advice(
    backbone: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "cache"))
    for proxy in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(proxy, "http://127.0.0.1:9")
        monkeypatch.setenv(proxy.upper(), "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("NO_PROXY", "")
    with pytest.raises(InputError, match=r"could not be downloaded.*set modeling.weights to `none`"):
        start("imagenet", backbone=backbone)


def test_weights_that_are_absent_or_no_weights_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"There is no file or folder of weights at .*absent.pt: modeling.weights is"):
        start(tmp_path / "absent.pt")
    with pytest.raises(InputError, match=r"no file or folder of weights at imagnet: .* Did you mean imagenet\?"):
        start("imagnet")
    (tmp_path / "text.pt").write_text("not weights")
    with pytest.raises(InputError, match="can be read safely"):
        start(tmp_path / "text.pt")
    contents: list[Any] = [[1, 2], {}, {"model": {}}, {"model": 3}]
    for content in contents:
        torch.save(content, tmp_path / "other.pt")
        with pytest.raises(InputError, match="neither a state dict nor"):
            start(tmp_path / "other.pt")


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
            start(tmp_path / name)
    assert not sprung.exists()


def tiny_transformer(image_size: int) -> VisionTransformer:
    return VisionTransformer(
        image_size=image_size, patch_size=8, num_layers=1, num_heads=1, hidden_dim=8, mlp_dim=8, num_classes=4
    )


def test_weights_of_a_vision_transformer_are_taken_for_images_of_another_size(tmp_path: Path) -> None:
    trained, network = tiny_transformer(32), tiny_transformer(64)
    torch.save(trained.state_dict(), tmp_path / "weights.pt")
    start_from(network, "vit_b_32", str(tmp_path / "weights.pt"), LABELS)
    name = "encoder.pos_embedding"
    before, after = trained.state_dict()[name], network.state_dict()[name]
    assert (before.shape, after.shape) == ((1, 17, 8), (1, 65, 8))
    corners = [1, 8, 57, 64]  # of a grid of eight by eight, behind the token of the class: they are where they were
    assert torch.allclose(after[:, [0, *corners]], before[:, [0, 1, 4, 13, 16]], atol=1e-5)
    assert torch.equal(network.conv_proj.weight, trained.conv_proj.weight)
    network.eval()(torch.rand(2, 3, 64, 64))


def test_weights_of_another_vision_transformer_are_refused_with_the_first_that_differ(tmp_path: Path) -> None:
    state = tiny_transformer(32).state_dict() | {"encoder.pos_embedding": torch.zeros(1, 4, 8)}
    torch.save(state, tmp_path / "weights.pt")
    with pytest.raises(InputError, match=r"encoder.pos_embedding has the shape \(1, 4, 8\), expected is \(1, 65, 8\)"):
        start_from(tiny_transformer(64), "vit_b_32", str(tmp_path / "weights.pt"), LABELS)


@pytest.mark.parametrize("name", ["timm/vit_tiny_patch16_224", "timm/swin_tiny_patch4_window7_224"])
def test_weights_of_timms_transformers_are_taken_for_images_of_another_size(name: str, tmp_path: Path) -> None:
    earlier = build_network(name, len(LABELS), 224)
    torch.save(earlier.state_dict(), tmp_path / "weights.pt")
    network = build_network(name, len(LABELS), 64)
    assert str(start_from(network, name, str(tmp_path / "weights.pt"), LABELS)).startswith("weights from")
    first = "patch_embed.proj.weight"
    assert torch.equal(network.get_parameter(first), earlier.get_parameter(first))
    assert network(torch.rand(1, 3, 64, 64)).shape == (1, len(LABELS))
