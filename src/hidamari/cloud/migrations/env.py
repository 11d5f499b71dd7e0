"""Run by alembic over the connection that `cloud.database.migrate` hands in."""

from alembic import context

from hidamari.cloud.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,  # also on SQLite, where we begin transactions ourselves
)
with context.begin_transaction():
    context.run_migrations()
