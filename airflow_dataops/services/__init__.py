"""The three stories: gating, releasing, usage. They speak to ports and the store; no Airflow in here or below."""
