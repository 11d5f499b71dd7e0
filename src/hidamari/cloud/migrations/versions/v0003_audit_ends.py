"""Between which two seals the lines of the audit lie."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision: str | None = "0002"

FILL = """
insert into audit_ends
select home, (select min(number) from audit as a where a.home = audit.home), null, number, sha
from audit where number = (select max(number) from audit as a where a.home = audit.home)
"""


def upgrade() -> None:
    """Make the table, and believe the lines that are there."""
    op.create_table(
        "audit_ends",
        sa.Column("home", sa.LargeBinary(length=16), nullable=False),
        sa.Column("first", sa.Integer(), nullable=False),
        sa.Column("before", sa.LargeBinary(length=32), nullable=True),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.Column("sha", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("home"),
    )
    op.execute(FILL)
