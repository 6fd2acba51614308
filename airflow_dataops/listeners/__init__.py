"""What Airflow tells of every task. Nothing here may break, delay or block one."""
