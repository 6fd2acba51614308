"""Publishing on Iceberg tables: a release is a tag, and readers read the snapshot that the branch ``main`` is set to.

PyIceberg is imported inside functions alone.
"""

from airflow_dataops.publishers.iceberg.publisher import IcebergPublisher

__all__ = ["IcebergPublisher"]
