"""What Schemathesis cannot know of this API: how cursors and details look, and how hooks say no."""

import base64
import datetime

import schemathesis
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import negative_data_rejection


@st.composite
def cursors(draw):
    """Positions in a list, as the service writes them; to clients they are opaque."""
    microseconds = draw(st.integers(min_value=0, max_value=253_402_300_799_999_999))
    stream = draw(st.integers(min_value=0, max_value=2**31 - 1))
    position = microseconds.to_bytes(8, "big") + stream.to_bytes(4, "big")
    return base64.urlsafe_b64encode(position).decode()


schemathesis.openapi.format("cursor", cursors())


@st.composite
def schedule_cursors(draw):
    """The same in a list of schedules, whose numbers are longer."""
    microseconds = draw(st.integers(min_value=0, max_value=253_402_300_799_999_999))
    schedule = draw(st.integers(min_value=0, max_value=2**63 - 1))
    position = microseconds.to_bytes(8, "big") + schedule.to_bytes(8, "big")
    return base64.urlsafe_b64encode(position).decode().rstrip("=")


schemathesis.openapi.format("schedule_cursor", schedule_cursors())

schemathesis.openapi.format(
    "block_cursor",
    st.builds(
        lambda at, user: base64.urlsafe_b64encode(at.to_bytes(8, "big") + user.to_bytes(4, "big")).decode(),
        st.integers(min_value=0, max_value=253_402_300_799_999_999),
        st.integers(min_value=1, max_value=2**31 - 1),
    ),
)

schemathesis.openapi.format(
    "delivery_cursor",
    st.integers(min_value=0, max_value=2**63 - 1).map(
        lambda position: base64.urlsafe_b64encode(position.to_bytes(8, "big")).decode().rstrip("=")
    ),
)
schemathesis.openapi.format("delivery_status", st.sampled_from(["pending", "delivered", "failed"]))
# Names below .invalid lead nowhere.
hosts = st.from_regex(r"[a-z]{1,20}", fullmatch=True)
schemathesis.openapi.format("webhook_url", hosts.map(lambda host: f"https://{host}.invalid/hook"))
schemathesis.openapi.format("block_reason", st.from_regex(r"[A-Za-z ]{0,40}", fullmatch=True))
schemathesis.openapi.format("webhook_description", st.from_regex(r"[A-Za-z ]{0,40}", fullmatch=True))

# Times of schedules: to come, and not too far ahead; `to` is after `from`.
today = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
ahead = st.integers(min_value=1, max_value=360 * 24 * 60)
instants = ahead.map(lambda minutes: (today + datetime.timedelta(minutes=minutes)).isoformat())
for name in ["starts_at", "ends_at"]:
    schemathesis.openapi.format(name, instants)
kinds = ["stream.created", "stream.stopped", "stream.live", "stream.offline", "schedule.created"]
event_types = st.lists(st.sampled_from(kinds), min_size=1, max_size=4).map(",".join)
schemathesis.openapi.format("event_types", event_types)
schemathesis.openapi.format("from", st.just("2026-01-01T00:00:00Z"))
schemathesis.openapi.format("to", st.just("9999-12-31T23:59:59Z"))
zones = ["Europe/Berlin", "America/Sao_Paulo", "Asia/Kolkata", "UTC"]
schemathesis.openapi.format("time_zone", st.sampled_from(zones))


@schemathesis.hook
def before_call(context, case, kwargs):
    """A schedule whose times are of the right form is to come and ends after it starts, which no schema can say.

    And a header is a text, also one that was taken from a number of another response.
    """
    for name, value in list((case.headers or {}).items()):
        if not isinstance(value, (str, bytes)):
            case.headers[name] = str(value)
    # The user who asks for keys is not blocked, or nothing would be seen of them.
    if case.operation.label.startswith("PUT /api/admin/users/") and str(case.path_parameters.get("user_id")) == "1":
        case.path_parameters["user_id"] = 5
    try:
        starts_at, _ = (datetime.datetime.fromisoformat(case.body[name]) for name in ["starts_at", "ends_at"])
        is_past = starts_at < today
    except (KeyError, TypeError, ValueError, OverflowError):
        return
    if is_past:
        starts_at = today + datetime.timedelta(days=1)
    case.body["starts_at"] = starts_at.isoformat()
    case.body["ends_at"] = (starts_at + datetime.timedelta(hours=1)).isoformat()


@schemathesis.hook
def filter_query(context, query):
    """What is empty counts as absent, as the parameters say; their schemas cannot."""
    return not query or "" not in query.values()


# Texts are also judged after they were normalized; tests/journeys/details.rs sends what is refused.
printable = st.characters(categories=["L", "N", "P", "S", "Zs"])
schemathesis.openapi.format("title", st.text(printable, max_size=140))
schemathesis.openapi.format("description", st.text(printable | st.just("\n"), max_size=200))
schemathesis.openapi.format("tag", st.from_regex(r"[a-z0-9][a-z0-9-]{0,24}", fullmatch=True))
schemathesis.openapi.format("category", st.sampled_from(["gaming", "music", "talk", "events"]))
schemathesis.openapi.format("language", st.sampled_from(["en", "en-GB", "pt-BR", "zh-Hant-TW", "de"]))
schemathesis.openapi.format("question", st.from_regex(r"[a-z]{1,12}( [a-z0-9]{1,9}){0,7}", fullmatch=True))


@schemathesis.check
def negative_hook_rejection(ctx, response, case):
    """A hook that violates the document is refused, by a status or in the words of its family."""
    if case.operation.tags != ["Hooks"]:
        return
    answer = response.json() if response.status_code == 200 else {}
    if answer.get("allowed") is False or answer.get("code") == 1:
        return
    negative_data_rejection(ctx, response, case)
