import pytest

from facefusion_observability import page
from facefusion_observability.settings import read


@pytest.fixture(autouse=True)
def _clean(monkeypatch):
    for name in (
        "FACEFUSION_METRICS",
        "FACEFUSION_OTLP",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_SDK_DISABLED",
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("value", "enabled", "off"),
    [
        ("1", True, False),
        ("on", True, False),
        ("0", False, True),
        ("False", False, True),
        ("", None, False),
    ],
)
def test_the_switch(monkeypatch, value, enabled, off):
    monkeypatch.setenv("FACEFUSION_METRICS", value)
    assert read().enabled is enabled
    assert read().off is off


def test_otlp_is_on_where_somebody_names_an_endpoint(monkeypatch):
    assert not read().otlp
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://10.0.0.1:4318")
    assert read().otlp
    assert read().otlp_endpoint == "http://10.0.0.1:4318"
    monkeypatch.setenv("FACEFUSION_OTLP", "0")
    assert not read().otlp
    monkeypatch.setenv("FACEFUSION_OTLP", "1")
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    assert not read().otlp


def test_gauges_are_never_read_more_often_than_every_15_seconds(monkeypatch):
    for value, seconds in (("1", 15), ("60", 60), ("nonsense", 15)):
        monkeypatch.setenv("FACEFUSION_METRICS_INTERVAL", value)
        assert read().interval == seconds


def test_excluded_routes_can_be_added(monkeypatch):
    monkeypatch.setenv("FACEFUSION_METRICS_EXCLUDE", "/internal*, /secret")
    found = read().excluded
    assert {"/internal*", "/secret", "/admin*", "/metrics", "/healthz"} <= set(found)


@pytest.mark.parametrize(
    ("value", "address"),
    [("9465", ("127.0.0.1", 9465)), ("0.0.0.0:1", ("0.0.0.0", 1)), ("[::1]:2", ("::1", 2)), ("x", None)],
)
def test_the_address_of_a_workers_page(monkeypatch, value, address):
    monkeypatch.setenv("FACEFUSION_METRICS_LISTEN", value)
    assert read().listen == address


@pytest.mark.parametrize(
    ("given", "allowed"),
    [
        ("Basic cHJvbWV0aGV1czpzZWNyZXQ=", True),  # prometheus:secret
        ("basic cHJvbWV0aGV1czpzZWNyZXQ=", True),
        ("Basic cHJvbWV0aGV1czp3cm9uZw==", False),
        ("Basic ???", False),
        ("Bearer secret", False),
        ("", False),
    ],
)
def test_a_password(monkeypatch, given, allowed):
    monkeypatch.setenv("FACEFUSION_METRICS_PASSWORD", "secret")
    assert page.allowed(given, read()) is allowed
    answer = page.answer("/metrics", "", given, read())
    assert answer.status == (200 if allowed else 401)
    assert allowed or answer.headers[0][1].startswith("Basic")
    # Probes of an orchestrator have no password.
    assert page.answer("/healthz", "", "", read()).status == 200


def test_a_token_from_a_file(monkeypatch, tmp_path):
    (tmp_path / "token").write_text("tok\n")
    monkeypatch.setenv("FACEFUSION_METRICS_TOKEN_FILE", str(tmp_path / "token"))
    assert page.allowed("Bearer tok", read())
    assert not page.allowed("Bearer nok", read())
    assert "tok" not in repr(read())


def test_a_secret_that_cannot_be_read_closes_the_page(monkeypatch, tmp_path):
    monkeypatch.setenv("FACEFUSION_METRICS_TOKEN_FILE", str(tmp_path / "absent"))
    assert read().locked
    assert not page.allowed("", read())
    assert not page.allowed("Bearer ", read())
    (tmp_path / "empty").write_text("")
    monkeypatch.setenv("FACEFUSION_METRICS_TOKEN_FILE", str(tmp_path / "empty"))
    assert not page.allowed("Bearer ", read())
