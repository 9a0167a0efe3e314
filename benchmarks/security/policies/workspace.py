"""E-mail, calendar and cloud drive.

What others wrote into mail, invitations and files is theirs, names and addresses included: a
contact list that fills itself from incoming mail is no directory. Ids, sizes and times are
numbered and measured by the service itself. An id from there may say what is changed and can be
changed back; what is deleted or given away has to be named by the user, or made in this session.
"""

from benchmarks.security.policies.declaration import READ, Tool
from jackline.core.flow import Declared, From

_EMAIL = {"id_": "system", "timestamp": "system", "status": "system", "read": "system"}
_FILE = {"id_": "system", "size": "system", "last_modified": "system"}
_EVENT = {"id_": "system", "status": "system"}
_EMAILS = Tool("read", Declared(labels=_EMAIL))
_FILES = Tool("read", Declared(labels=_FILE))
_EVENTS = Tool("read", Declared(labels=_EVENT))
_MINE = {"id_": "user"}

TOOLS = {
    "send_email": Tool(
        "once",
        Declared(
            critical={
                "recipients": From("directory"),
                "cc": From("directory"),
                "bcc": From("directory"),
                "attachments": From("user"),
            },
            readers_from=("recipients", "cc", "bcc"),
            labels=_EMAIL,
        ),
    ),
    "delete_email": Tool("idempotent", Declared(critical={"email_id": From("user")})),
    "get_unread_emails": _EMAILS,
    "get_sent_emails": _EMAILS,
    "get_received_emails": _EMAILS,
    "get_draft_emails": _EMAILS,
    "search_emails": _EMAILS,
    "search_contacts_by_name": READ,
    "search_contacts_by_email": READ,
    "get_current_day": Tool("read", Declared(labels={"*": "system"}, readers="everybody")),
    "search_calendar_events": _EVENTS,
    "get_day_calendar_events": _EVENTS,
    "create_calendar_event": Tool(
        "once",
        Declared(
            critical={"participants": From("directory"), "start_time": From("user")},
            readers_from=("participants",),
            labels=_EVENT,
        ),
    ),
    "cancel_calendar_event": Tool("idempotent", Declared(critical={"event_id": From("user")})),
    "reschedule_calendar_event": Tool(
        "idempotent",
        Declared(
            critical={"event_id": From("system"), "new_start_time": From("user")}, labels=_EVENT
        ),
    ),
    "add_calendar_event_participants": Tool(
        "idempotent",
        Declared(
            critical={"event_id": From("system"), "participants": From("directory")},
            readers_from=("participants",),
            labels=_EVENT,
        ),
    ),
    "append_to_file": Tool("once", Declared(critical={"file_id": From("system")}, labels=_FILE)),
    "search_files_by_filename": _FILES,
    "create_file": Tool("once", Declared(critical={"filename": From("user")}, labels=_MINE)),
    "delete_file": Tool("idempotent", Declared(critical={"file_id": From("user")}, labels=_FILE)),
    "get_file_by_id": _FILES,
    "list_files": _FILES,
    "share_file": Tool(
        "idempotent",
        Declared(
            critical={"file_id": From("user"), "email": From("directory")},
            readers_from=("email",),
            labels=_FILE,
        ),
    ),
    "search_files": _FILES,
}
