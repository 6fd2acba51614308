"""Airflow's connections and settings, turned into the ports that the services need."""
