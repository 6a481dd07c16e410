"""What versioned datasets in a `FileStore` share, whatever their files hold."""

from typing import Any, TypeVar

from kedro.io import AbstractVersionedDataset, Version

from animl_kedro.datasets.file_store import FileStore

Content = TypeVar("Content")


class StoredDataset(AbstractVersionedDataset[Content, Content]):
    """A versioned path on this machine or in a store that fsspec knows. A subclass loads and saves what lies there."""

    def __init__(
        self,
        *,
        filepath: str,
        version: Version | None = None,
        credentials: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        self._store = FileStore(filepath, credentials)
        super().__init__(
            filepath=self._store.path,
            version=version,
            exists_function=self._store.fs.exists,
            glob_function=self._store.fs.glob,
        )
        self.metadata = metadata
