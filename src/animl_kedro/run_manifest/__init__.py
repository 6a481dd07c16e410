"""What a run leaves behind about itself: the catalog entry run_manifest, by which it can be told and repeated."""

from animl_kedro.run_manifest.hook import RunManifestHook

__all__ = ["RunManifestHook"]
