"""A bucket's address, and names that can be none."""

from typing import Any

import pytest
from moto import mock_aws

from animl_kedro.datasets.s3_bucket import S3Bucket
from animl_kedro.errors import InputError

BUCKET = "objects"


def test_bucket_without_a_region_asks_amazon_where_it_lies() -> None:
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
    with mock_aws():  # Amazon's own addresses, answered within this process
        bucket = S3Bucket("far-away", credentials=keys)
        place: Any = {"LocationConstraint": "eu-central-1"}
        S3Bucket("any", region="eu-central-1", credentials=keys).client.create_bucket(
            Bucket="far-away", CreateBucketConfiguration=place
        )
        assert bucket.find_address() == ("https://s3.eu-central-1.amazonaws.com", "eu-central-1")
        assert S3Bucket("none-such", credentials=keys).find_address()[1] == "us-east-1"
        configured = S3Bucket("far-away", region="us-west-1", credentials=keys)
        assert configured.find_address() == ("https://s3.us-west-1.amazonaws.com", "us-west-1")


@pytest.mark.parametrize("endpoint_url", ["", "minio.local:9000", "ftp://host", "http://user:secret@host", "http:// x"])
def test_bucket_with_an_endpoint_that_is_no_address_is_refused(endpoint_url: str) -> None:
    with pytest.raises(InputError, match="is no address: expected http://host:port"):
        S3Bucket(BUCKET, endpoint_url=endpoint_url)


@pytest.mark.parametrize("name", ["", "my bucket", "s3://foo", "foo/bar"])
def test_bucket_with_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="cannot be the name of a bucket"):
        S3Bucket(name)
