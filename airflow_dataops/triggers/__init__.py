"""Waits in Airflow's triggerer, which hold no worker slot."""
