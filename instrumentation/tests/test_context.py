import pytest

from facefusion_observability import context, job_id
from facefusion_observability.context import Scope, Trace

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (TRACEPARENT, True),
        (TRACEPARENT.upper(), True),
        ("ui-2026-11-22-16-16-56-" + TRACEPARENT, True),
        (TRACEPARENT + "-x", True),
        ("0" + TRACEPARENT, False),
        (TRACEPARENT + "0", False),
        ("00-" + "0" * 32 + "-00f067aa0ba902b7-01", False),
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-" + "0" * 16 + "-01", False),
        ("", False),
        ("headless-2026-11-22-16-16-56", False),
    ],
)
def test_a_trace_context_is_found_in_a_jobs_id(text, found):
    trace = context.parse(text)
    assert (trace is not None) == found
    if trace is not None:
        assert trace.traceparent == TRACEPARENT


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("a1-B_2.c:3", True),
        ("x" * 128, True),
        ("x" * 129, False),
        ("", False),
        ("a b", False),
        ("a\nb", False),
    ],
)
def test_only_what_looks_like_an_id_is_taken_as_one(text, taken):
    assert (context.parse_request_id(text) == text) == (taken or text == "")


def test_a_request_has_one_id_and_one_trace():
    scope = Scope()
    assert not scope.traced
    assert scope.request_id == scope.request_id
    assert len(scope.request_id) == 32
    assert scope.trace == scope.trace
    assert scope.traced


def test_scopes_nest():
    outer, inner = Scope(), Scope()
    first = context.enter(outer)
    second = context.enter(inner)
    assert context.current() is inner
    context.leave(second)
    assert context.current() is outer
    context.leave(first)
    assert context.current() is None


def test_a_jobs_id_carries_the_trace_of_its_request():
    assert context.parse(job_id("api")) is None
    token = context.enter(Scope(context.parse(TRACEPARENT)))
    try:
        identity = job_id("api")
    finally:
        context.leave(token)
    assert identity.startswith("api-")
    assert context.parse(identity) == context.parse(TRACEPARENT)
    # FaceFusion 3.5 and later replace an id with other characters by a hash.
    assert all(character.isalnum() or character == "-" for character in identity)


def test_reserved_spans_are_redeemed_once_and_bounded():
    trace = context.reserve(None)
    assert context.redeem(trace)
    assert not context.redeem(trace)
    for _ in range(2000):
        context.reserve(None)
    assert len(context._reserved) <= 1024


def test_a_child_has_a_span_of_its_own():
    trace = Trace("a" * 32, "b" * 16)
    assert trace.child().trace_id == trace.trace_id
    assert trace.child().span_id != trace.span_id
