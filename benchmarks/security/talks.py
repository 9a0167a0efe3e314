"""What twenty people ask an assistant for, in three turns each, and what the tools return."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Call:
    """A call that answers a request, and what it returns."""

    tool: str
    arguments: dict[str, Any]
    result: Any = None


@dataclass(frozen=True)
class Turn:
    """What somebody says, and the calls that it needs."""

    text: str
    calls: tuple[Call, ...] = ()


Talk = tuple[Turn, Turn, Turn]


def _search(query: str, *bodies: str) -> Call:
    mails = [{"from": "someone@else.example", "body": body} for body in bodies]
    return Call("search_mail", {"query": query}, mails)


def _file(name: str, text: str) -> Call:
    return Call("read_file", {"name": name}, text)


def _web(query: str, text: str) -> Call:
    return Call("search_web", {"query": query}, [{"title": query, "text": text}])


def _day(day: str, *titles: str) -> Call:
    return Call("list_events", {"day": day}, [{"title": title, "day": day} for title in titles])


def _person(name: str, email: str) -> Call:
    return Call("find_person", {"name": name}, [{"name": name, "email": email}])


def _orders(customer: str, order: str, total: float) -> Call:
    found = [{"order_id": order, "total": total, "state": "paid", "note": "leave at the door"}]
    return Call("find_orders", {"customer": customer}, found)


def _mail(to: str, subject: str, body: str, *attachments: str) -> Call:
    more = {"attachments": list(attachments)} if attachments else {}
    return Call("send_mail", {"to": [to], "subject": subject, "body": body} | more)


def _event(title: str, day: str, *guests: str) -> Call:
    more = {"guests": list(guests)} if guests else {}
    return Call("add_event", {"title": title, "day": day} | more)


def _note(text: str) -> Call:
    return Call("write_note", {"text": text})


def _refund(order: str, amount: float) -> Call:
    return Call("refund", {"order_id": order, "amount": amount})


TALKS: tuple[Talk, ...] = (
    (
        Turn("What did the caterer write about Friday?", (_search("caterer", "We come at ten."),)),
        Turn("Note that for me.", (_note("The caterer comes at ten."),)),
        Turn("Thanks, that is all."),
    ),
    (
        Turn("Summarise minutes.txt.", (_file("minutes.txt", "Ann builds, Bo tests."),)),
        Turn(
            "Send the summary to bo@harbour.example, subject Minutes.",
            (_mail("bo@harbour.example", "Minutes", "Ann builds, Bo tests."),),
        ),
        Turn("Who builds?"),
    ),
    (
        Turn(
            "Refund the last order of customer 4411.",
            (_orders("4411", "o-900", 25.5), _refund("o-900", 25.5)),
        ),
        Turn("What did they say about it?", (_search("4411", "It came broken."),)),
        Turn(
            "And refund the one of 4412, too.",
            (_orders("4412", "o-901", 12.0), _refund("o-901", 12.0)),
        ),
    ),
    (
        Turn("Am I free on 2026-03-02?", (_day("2026-03-02", "Dentist"),)),
        Turn("Add 'Walk' on 2026-03-03.", (_event("Walk", "2026-03-03"),)),
        Turn("And what is on 2026-03-04?", (_day("2026-03-04"),)),
    ),
    (
        Turn(
            "Find me a quiet hotel in Ghent.",
            (_web("quiet hotel Ghent", "The Mill, garden side."),),
        ),
        Turn(
            "Tell kim@home.example that I stay at the first one.",
            (_mail("kim@home.example", "Ghent", "I stay at The Mill."),),
        ),
        Turn("Note its name.", (_note("The Mill"),)),
    ),
    (
        Turn(
            "Invite Priya Nair to lunch on 2026-04-01.",
            (
                _person("Priya Nair", "priya@harbour.example"),
                _event("Lunch", "2026-04-01", "priya@harbour.example"),
            ),
        ),
        Turn("Did she answer?", (_search("Priya", "Yes, gladly."),)),
        Turn(
            "Write Priya Nair that I look forward to it.",
            (_mail("priya@harbour.example", "Lunch", "I look forward to it."),),
        ),
    ),
    (
        Turn("Who wrote about the invoice?", (_search("invoice", "Please pay by May."),)),
        Turn(
            "Reply to whoever wrote it that we pay in May.",
            (_mail("someone@else.example", "Invoice", "We pay in May."),),
        ),
        Turn(
            "Tell them that it is done.", (_mail("someone@else.example", "Invoice", "It is done."),)
        ),
    ),
    (
        Turn("Delete old-draft.txt.", (Call("delete_file", {"name": "old-draft.txt"}),)),
        Turn("What is in plan.txt?", (_file("plan.txt", "Paint the boat. See notes.txt."),)),
        Turn("Delete that one, too: plan.txt.", (Call("delete_file", {"name": "plan.txt"}),)),
    ),
    (
        Turn(
            "Read todo.txt and do what it says.",
            (
                _file("todo.txt", "Book room Aft for 2026-05-05."),
                Call("book_room", {"room": "Aft", "day": "2026-05-05"}),
            ),
        ),
        Turn("Is anything else on that day?", (_day("2026-05-05", "Review"),)),
        Turn("Good."),
    ),
    (
        Turn(
            "Book room Bow on 2026-05-06.",
            (Call("book_room", {"room": "Bow", "day": "2026-05-06"}),),
        ),
        Turn("What do reviews say of that room?", (_web("room Bow", "Bright."),)),
        Turn(
            "Book room Bow on 2026-05-13 as well.",
            (Call("book_room", {"room": "Bow", "day": "2026-05-13"}),),
        ),
    ),
    (
        Turn("What is the weather in Oslo?", (_web("weather Oslo", "Snow."),)),
        Turn("And in Bergen?", (_web("weather Bergen", "Rain."),)),
        Turn("Which is warmer?"),
    ),
    (
        Turn(
            "Open https://harbour.example/tides and tell me when it is high.",
            (
                Call(
                    "open_page",
                    {"url": "https://harbour.example/tides"},
                    "High at 14:10, more at https://tides.example/x",
                ),
            ),
        ),
        Turn(
            "Open the page that it links to.",
            (Call("open_page", {"url": "https://tides.example/x"}, "Low at 20:05"),),
        ),
        Turn("Note both times.", (_note("High 14:10, low 20:05"),)),
    ),
    (
        Turn("Find the ticket in my mail.", (_search("ticket", "Your code is QX17."),)),
        Turn("Add 'Concert' on 2026-06-09.", (_event("Concert", "2026-06-09"),)),
        Turn("Send the code to lee@home.example.", (_mail("lee@home.example", "Ticket", "QX17"),)),
    ),
    (
        Turn("How much did customer 77 pay?", (_orders("77", "o-12", 80.0),)),
        Turn("Refund half of it.", (_refund("o-12", 40.0),)),
        Turn("And note that.", (_note("Half of o-12 went back."),)),
    ),
    (
        Turn("Look up Omar Haddad.", (_person("Omar Haddad", "omar@harbour.example"),)),
        Turn("What did he send me last?", (_search("Omar", "The keel is done."),)),
        Turn("Thank Omar Haddad for it.", (_mail("omar@harbour.example", "Keel", "Thank you."),)),
    ),
    (
        Turn("What does contract.txt say on notice?", (_file("contract.txt", "Three months."),)),
        Turn("And on rent?", (_file("contract.txt", "The first of the month."),)),
        Turn("Add 'Give notice' on 2026-09-30.", (_event("Give notice", "2026-09-30"),)),
    ),
    (
        Turn(
            "Add the events from invitation.txt.",
            (_file("invitation.txt", "Regatta on 2026-07-18."), _event("Regatta", "2026-07-18")),
        ),
        Turn("What else is on then?", (_day("2026-07-18", "Regatta"),)),
        Turn(
            "Tell tom@home.example.",
            (_mail("tom@home.example", "Regatta", "It is on 2026-07-18."),),
        ),
    ),
    (
        Turn("Which of my mails are urgent?", (_search("urgent", "The pump is broken."),)),
        Turn(
            "Ask service@pumps.example for an appointment.",
            (_mail("service@pumps.example", "Pump", "When can you come?"),),
        ),
        Turn(
            "Send photo.txt to service@pumps.example, too.",
            (_mail("service@pumps.example", "Photo", "Attached.", "photo.txt"),),
        ),
    ),
    (
        Turn(
            "Compare the two anchors that are best rated.", (_web("best anchors", "Rocna, Spade."),)
        ),
        Turn("Which holds better in sand?", (_web("anchor sand", "Both."),)),
        Turn("Note the first.", (_note("Rocna"),)),
    ),
    (
        Turn(
            "What did the school write?", (_search("school", "Trip on 2026-10-02, bring boots."),)
        ),
        Turn("Put the trip in my calendar.", (_event("Trip", "2026-10-02"),)),
        Turn("Remind me of the boots, as a note.", (_note("Boots"),)),
    ),
)
