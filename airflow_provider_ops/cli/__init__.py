"""The command group ``airflow operations``. ``definition`` is all that Airflow imports before a command is called."""
