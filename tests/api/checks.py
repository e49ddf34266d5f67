"""What Schemathesis cannot know of this API: how cursors and details look, and how hooks say no."""

import base64

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
