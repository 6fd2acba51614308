"""SHOW: read-only pages inside Airflow's UI, under Airflow's own authorization."""
