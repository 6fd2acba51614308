"""Publishing by folder: each release is a folder of Parquet files, and the newest file of a log says which is live.

In a dataset's folder lie ``r41/``, ``r42/``, … and ``_dataops/``, in which ``switches/000000000043.json`` is the epoch
43. What a reader is promised:

- :func:`live`, and whoever reads through this package: the folder that is live in this moment, resolved once. Its files
  do not change until it is retired, so that a reader which keeps to it reads one release, never a mix.
- who reads ``_dataops/pointer.json`` (``jq -r .relation``): the same, but for the moments of a switch, and where its
  process was killed in these, until the next operation on the dataset. It is replaced as a whole: what it names is one
  whole release, the new one or the one before.
- who reads the dataset's own folder, with all that is below it: a mix of all releases. Nothing can keep them from it.
"""

from __future__ import annotations

from airflow_dataops.publishers.files.live import live
from airflow_dataops.publishers.files.publisher import FilesPublisher, Lake

__all__ = ["FilesPublisher", "Lake", "live"]
