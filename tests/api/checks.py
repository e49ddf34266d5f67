"""What Schemathesis cannot know of this API: how cursors look, and how hooks say no."""

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


@schemathesis.check
def negative_hook_rejection(ctx, response, case):
    """A hook that violates the document is refused, by a status or in the words of its family."""
    if case.operation.tags != ["Hooks"]:
        return
    answer = response.json() if response.status_code == 200 else {}
    if answer.get("allowed") is False or answer.get("code") == 1:
        return
    negative_data_rejection(ctx, response, case)
