"""What Postgres's errors mean for whoever runs jackline: one sentence each, and what to do."""

import psycopg
from psycopg import Connection
from psycopg.pq import TransactionStatus
from psycopg_pool import PoolTimeout

from jackline.core.errors import (
    InputError,
    JacklineError,
    StoreError,
    UnknownOutcomeError,
)

REFUSED = "JL001"  # Raised by jackline's own function: the account that refuses a batch.
_SENTENCES = {
    "53100": "The disk that holds {place} is full: make room. Nothing was lost.",
    "53300": "{place} has no connection left: allow it more, or give jackline's workers fewer.",
    "25006": "{place} cannot be written now: it is a replica, or is only to be read.",
    "42501": "{place} does not let this user do that: {error}.",
    "55P03": "A row of {place} was locked for too long: see who holds it.",
    "57014": "A statement in {place} took too long, so it was ended: {error}.",
}


def store_error(error: psycopg.Error, where: str) -> JacklineError:
    """Return what to tell the operator, in one sentence, of what surely changed nothing."""
    if isinstance(error, psycopg.DataError) and error.sqlstate is None:
        return InputError(f"Postgres cannot keep that: {_said(error)}.")
    if isinstance(error, PoolTimeout):
        return StoreError(f"{where} cannot be reached: check that it runs, and the store's URL.")
    # What is wrong with a connection that was never there has no code, but says what it is.
    if error.sqlstate is None and isinstance(error, psycopg.OperationalError):
        return StoreError(f"{where} cannot be reached: {_said(error)}.")
    sentence = _SENTENCES.get(error.sqlstate or "", "{place} cannot be used: {error}.")
    return StoreError(sentence.format(place=where, error=_said(error)))


def is_lost(database: Connection) -> bool:
    """Whether the connection is gone, or in the midst of a statement that nobody waits for."""
    status = database.info.transaction_status
    return database.closed or status in {TransactionStatus.ACTIVE, TransactionStatus.UNKNOWN}


def commit_error(error: psycopg.Error, where: str, *, lost: bool) -> JacklineError:
    """Return what to tell of a statement that commits. Where the connection is lost nobody knows.

    The server ends the connection with FATAL, also after it has committed; an ERROR leaves the
    connection there, and nothing of the statement.
    """
    if lost:
        return UnknownOutcomeError(f"Nobody knows what was kept: {_said(error)}.")
    return store_error(error, where)


def _said(error: psycopg.Error) -> str:
    text = error.diag.message_primary or str(error) or type(error).__name__
    text, _, _ = text.partition("\n\tIs the server running")
    return " ".join(text.split()).rstrip(".")
