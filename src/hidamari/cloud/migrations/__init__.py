"""How the tables of the service came to be, step by step: run by alembic at every start."""
