"""Examples of bodies and answers for the OpenAPI document. Tests check each of them against its schema."""

from typing import Any

from lambdas.examples import answers, nomadic
from lambdas.examples.bodies import BODIES

_ANSWERS = {**answers.ANSWERS, **nomadic.ANSWERS}


def add_examples(verb: str, path: str, operation: dict[str, Any]) -> None:
    """Put the examples of one operation, which is an OpenAPI operation object, into its body and its answer."""
    call = f"{verb.upper()} {path}"
    if call in BODIES:
        named = {
            f"example_{i}": {"summary": text, "value": body} for i, (text, body) in enumerate(BODIES[call].items())
        }
        operation["requestBody"]["content"]["application/json"]["examples"] = named
    if call in _ANSWERS:
        (answer,) = (one for status, one in operation["responses"].items() if status.startswith("2"))
        shown = {"answer": {"summary": "An answer", "value": _ANSWERS[call]}}
        answer["content"]["application/json"]["examples"] = shown
