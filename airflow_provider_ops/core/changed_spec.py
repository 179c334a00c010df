"""A spec that has changed while an operation is under way."""

from __future__ import annotations


def describe_changed_spec(before: object, now: str | None, *, title: str, submitted: str) -> str | None:
    """Return a sentence about a spec that is another than at the submit; ``None`` where it is the same, or unknown.

    :param before: hash of the spec at the submit.
    :param now: hash of the spec of the connection.
    :param title: of the API.
    :param submitted: what was submitted.
    """
    if now is None or not isinstance(before, str) or before == now:
        return None
    return (
        f"the spec of {title} is another ({now}) than when {submitted} was submitted ({before}): ids stay valid, and "
        "what is read follows the new spec"
    )
