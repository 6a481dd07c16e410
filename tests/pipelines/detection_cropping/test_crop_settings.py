"""How the crops were made, as classifiers take it along."""

import pytest

from animl_kedro.cropping.parameters import CroppingParams
from animl_kedro.errors import InputError
from animl_kedro.pipelines.detection_cropping.nodes import describe_cropping
from animl_kedro.pipelines.detection_cropping.parameters import DetectionCroppingParams
from crop_factories import make_crops


def test_settings_of_crops_are_the_parameters_they_were_made_with() -> None:
    cropping = CroppingParams(shape="pad", margin=0.2, max_side=None)
    crops = make_crops(crops=5).assign(settings=cropping.checksum())
    settings = describe_cropping(crops, DetectionCroppingParams(cropping=cropping))
    assert CroppingParams.model_validate(settings) == cropping


def test_crops_that_were_made_with_other_parameters_are_refused() -> None:
    with pytest.raises(InputError, match=r"5 of 5 crops were made with other parameters .* kedro run"):
        describe_cropping(make_crops(crops=5), DetectionCroppingParams())
