"""An S3 bucket: which credentials, endpoint and region it is spoken to with."""

import re
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from animl_kedro.errors import InputError

if TYPE_CHECKING:
    from boto3 import Session
    from botocore.credentials import Credentials
    from mypy_boto3_s3 import S3Client

MAX_CONNECTIONS = 64

BUCKET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
ENDPOINT = re.compile(r"https?://[^\s/@]+(/\S*)?")

LOOPBACK = ("localhost", "127.0.0.1", "::1")
"""Hosts on this machine, which no proxy can reach."""

ADVICE = (
    "Set AWS_PROFILE; or put `profile_name`, or `aws_access_key_id` and `aws_secret_access_key`, under a name into "
    "credentials.yml of the environment that you run (conf/local by default) and give that name as `credentials:` in "
    "the catalog entry image_archive; for a public bucket set `anonymous: true` there."
)

_making = threading.Lock()
"""Held while one of these is made. Not an attribute, since archives travel to other processes and locks cannot."""


class S3Bucket:
    """A bucket, spoken to through one boto3 session and client, which are made when first needed; safe for threads.

    ``credentials`` are boto3's session arguments: ``profile_name``, or ``aws_access_key_id``, ``aws_secret_access_key``
    and ``aws_session_token``. Without them boto3 looks where it always does: environment, profiles, roles. Raises
    InputError where the name or the endpoint can be none.
    """

    def __init__(
        self,
        name: str,
        *,
        endpoint_url: str | None = None,
        region: str | None = None,
        anonymous: bool = False,
        requester_pays: bool = False,
        credentials: Mapping[str, str] | None = None,
    ) -> None:
        _check(name, endpoint_url)
        self.name = name
        self.anonymous = anonymous
        self.requester_pays = requester_pays
        self.is_on_loopback = urlsplit(endpoint_url or "").hostname in LOOPBACK
        self._endpoint_url = endpoint_url
        self._region = region
        self._credentials: dict[str, Any] = dict(credentials or {})
        self._session: Session | None = None
        self._client: S3Client | None = None

    @property
    def session(self) -> "Session":
        """The boto3 session. Raises InputError where there are no credentials to be found."""
        with _making:
            if self._session is None:
                self._session = self._make_session()
        return self._session

    @property
    def client(self) -> "S3Client":
        """The S3 client. Raises InputError where there are no credentials to be found."""
        session = self.session
        with _making:
            if self._client is None:
                self._client = self._make_client(session)
        return self._client

    @property
    def arguments(self) -> dict[str, Any]:
        """What goes with every request for the bucket."""
        return {"Bucket": self.name} | ({"RequestPayer": "requester"} if self.requester_pays else {})

    def find_address(self) -> tuple[str, str]:
        """Endpoint and region: as configured, or as Amazon says; others mostly do not care for the region."""
        configured = self._region or self.session.region_name or "us-east-1"
        if self._endpoint_url:
            return self._endpoint_url, configured
        region = self._region or self._ask_region() or configured
        client = self.client if region == self.session.region_name else self._make_client(self.session, region)
        return client.meta.endpoint_url, region

    def _ask_region(self) -> str | None:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - see _make_client

        try:
            response: Any = self.client.head_bucket(Bucket=self.name)
        except ClientError as error:  # says it all the same, to those too who may not look into the bucket
            response = error.response
        except BotoCoreError:
            return None
        headers = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        return headers.get("x-amz-bucket-region")  # type: ignore[no-any-return]

    def _make_client(self, session: "Session", region: str | None = None) -> "S3Client":
        from botocore import UNSIGNED  # noqa: PLC0415 - half a second that only those pay who reach for the archive
        from botocore.config import Config  # noqa: PLC0415

        config = Config(
            max_pool_connections=MAX_CONNECTIONS,
            retries={"mode": "standard", "total_max_attempts": 5},
            connect_timeout=10,
            read_timeout=60,
            signature_version=UNSIGNED if self.anonymous else None,
            proxies={} if self.is_on_loopback else None,
        )
        return session.client("s3", region_name=region, endpoint_url=self._endpoint_url, config=config)

    def _make_session(self) -> "Session":
        import boto3  # noqa: PLC0415 - see _make_client
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415
        from botocore.session import Session as CoreSession  # noqa: PLC0415

        # Keys that are given count, whatever profile the environment names.
        no_profile: Any = {"profile": (None, None, None, None)}
        core = CoreSession(session_vars=no_profile) if "aws_access_key_id" in self._credentials else None
        try:
            session = boto3.Session(region_name=self._region, botocore_session=core, **self._credentials)
            found = self.anonymous or _are_usable(session.get_credentials())
        except (BotoCoreError, TypeError) as error:
            raise InputError(f"The credentials for s3://{self.name} are not usable: {error}. {ADVICE}") from error
        if not found:
            raise InputError(f"There are no credentials for the archive s3://{self.name}. {ADVICE}")
        return session

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_client": None, "_session": None}  # which another process makes for itself

    def __repr__(self) -> str:
        return f"S3Bucket({self.name!r})"


def _check(name: str, endpoint_url: str | None) -> None:
    """Raises InputError where a bucket's name or an endpoint can be none."""
    if not BUCKET_NAME.fullmatch(str(name)):
        raise InputError(f"{name!r} cannot be the name of a bucket: expected letters, digits, '.', '_' and '-' alone.")
    if endpoint_url is not None and not ENDPOINT.fullmatch(str(endpoint_url)):
        raise InputError(f"endpoint_url {endpoint_url!r} is no address: expected http://host:port or https://host.")


def _are_usable(credentials: "Credentials | None") -> bool:
    """Whether there are a key and its secret; those of a role or of a single sign-on are fetched for that."""
    frozen = None if credentials is None else credentials.get_frozen_credentials()
    return bool(frozen and frozen.access_key and frozen.secret_key)
