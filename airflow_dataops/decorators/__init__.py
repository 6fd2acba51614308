"""TaskFlow: ``@task.gate``."""
