"""The relational tables of the service: accounts, homes, codes, who may enter, and what was done.

Instants are milliseconds since 1970 UTC in columns that end in `_ms`. Secrets are kept as hashes
only. Everything about a home has the home first in its key. What homes sent (segments, days,
events) has its own tables beside the segment store.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)

metadata = MetaData()
# SQLite counts up only in a column of its own integer type.
_NUMBER = BigInteger().with_variant(Integer, "sqlite")
_ACCOUNT = "account.id"
_GOES_WITH = "CASCADE"

account = Table(
    "account",
    metadata,
    Column("id", _NUMBER, primary_key=True, autoincrement=True),
    Column("mail", Text, nullable=False, unique=True),  # lower case
    Column("password_hash", Text, nullable=False),
    Column("lang", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    sqlite_autoincrement=True,  # the number of a deleted account is never given again
)

phone = Table(
    "phone",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account", _NUMBER, ForeignKey(_ACCOUNT, ondelete=_GOES_WITH), nullable=False),
    Column("nickname", Text, nullable=False),
    Column("secret_hash", Text, nullable=False, unique=True),
    Column("created_ms", BigInteger, nullable=False),
    Column("seen_ms", BigInteger, nullable=False),
    Index("phone_nickname", "account", "nickname", unique=True),
)

session = Table(
    "session",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account", _NUMBER, ForeignKey(_ACCOUNT, ondelete=_GOES_WITH), nullable=False),
    Column("secret_hash", Text, nullable=False, unique=True),
    Column("phone", Text, ForeignKey("phone.id", ondelete=_GOES_WITH)),
    Column("label", Text, nullable=False),
    Column("stay", Boolean, nullable=False),
    Column("started_ms", BigInteger, nullable=False),
    Column("seen_ms", BigInteger, nullable=False),
    Column("fresh_ms", BigInteger, nullable=False),  # when the password was last given
    Column("ends_ms", BigInteger, nullable=False),
    Index("session_account", "account"),
)

mail_token = Table(
    "mail_token",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("kind", Text, nullable=False),  # sign_up, reset
    Column("mail", Text, nullable=False),
    Column("lang", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("used_ms", BigInteger),
    Index("mail_token_mail", "mail"),
)

mail_asked = Table(
    "mail_asked",
    metadata,
    Column("id", _NUMBER, primary_key=True, autoincrement=True),
    Column("kind", Text, nullable=False),  # sign_up, reset
    Column("mail", Text, nullable=False),
    Column("lang", Text, nullable=False),
    Column("asked_ms", BigInteger, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("next_ms", BigInteger),  # when it is to be tried; None = it left or was given up
    Index("mail_asked_mail", "mail", "asked_ms"),
    Index("mail_asked_next", "next_ms"),
)

# Wrong passwords in a row, by the hash of a name or of a name and an address.
miss = Table(
    "miss",
    metadata,
    Column("key", Text, primary_key=True),
    Column("tries", Integer, nullable=False),
    Column("last_ms", BigInteger, nullable=False),
)

device = Table(
    "device",
    metadata,
    Column("home", LargeBinary(16), primary_key=True),
    Column("device_code", Text, nullable=False, unique=True),
    Column("public_key", LargeBinary(32), nullable=False),
    Column("version", Text, nullable=False),
    Column("registered_ms", BigInteger, nullable=False),
    Column("bound_ms", BigInteger),  # since when an account holds the home; None = no account does
)
_HOME = "device.home"

link_code = Table(
    "link_code",
    metadata,
    Column("home", LargeBinary(16), ForeignKey(_HOME, ondelete=_GOES_WITH), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("code_hash", Text, nullable=False),
    Column("issued_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("tries", Integer, nullable=False),  # counted before they are judged
    Column("used_ms", BigInteger),
)

# Tries to claim a home; a right one is taken out again.
claim_try = Table(
    "claim_try",
    metadata,
    Column("id", _NUMBER, primary_key=True, autoincrement=True),
    Column("account", _NUMBER, ForeignKey(_ACCOUNT, ondelete=_GOES_WITH), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Index("claim_try_account", "account", "at_ms"),
    Index("claim_try_at", "at_ms"),
)

access = Table(
    "access",
    metadata,
    Column("home", LargeBinary(16), ForeignKey(_HOME, ondelete=_GOES_WITH), primary_key=True),
    Column("account", _NUMBER, ForeignKey(_ACCOUNT, ondelete=_GOES_WITH), primary_key=True),
    Column("role", Text, nullable=False),
    Column("nickname", Text, nullable=False),
    Column("since_ms", BigInteger, nullable=False),
    Column("until_ms", BigInteger),
    Index("access_account", "account"),
)

audit = Table(
    "audit",
    metadata,
    Column("home", LargeBinary(16), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),  # nickname of a member, "home" or "service"
    Column("account", _NUMBER),  # no foreign key: the line stays when the account goes
    Column("code", Text, nullable=False),
    Column("data", Text, nullable=False),  # JSON
    Column("sha", LargeBinary(32), nullable=False),  # over the line and the sha before it
)

# Between which two seals the lines of a home lie: what is taken out at an end is missed, too.
audit_ends = Table(
    "audit_ends",
    metadata,
    Column("home", LargeBinary(16), primary_key=True),
    Column("first", Integer, nullable=False),  # the oldest line that is kept
    Column("before", LargeBinary(32)),  # the seal before it; None = older than this table
    Column("last", Integer, nullable=False),
    Column("sha", LargeBinary(32), nullable=False),  # of the newest line
)
