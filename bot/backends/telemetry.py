"""Who watches a running everbot, as it is configured: metrics, and traces, sent to an OpenTelemetry collector."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version

from bot.errors import SettingsError
from bot.observer import Observer, Together
from bot.settings import Settings, TelemetrySettings
from bot.telemetry.metrics import Metrics
from memory.extras import how_to_have, lacks


@contextmanager
def watching(settings: Settings, metrics: Metrics) -> Iterator[Observer]:
    """``metrics``, and traces where they are switched on: what is not sent yet is sent at the end.

    Raises `SettingsError` when what traces need is not installed."""
    if not settings.telemetry.traces:
        yield metrics
        return
    check(settings.telemetry)
    # Heavy, and asked for by few.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    from bot.telemetry.traces import Traces

    about = Resource.create({"service.name": "everbot", "service.version": version("everbot")})
    provider = TracerProvider(resource=about, shutdown_on_exit=False)
    to = f"{settings.telemetry.endpoint.rstrip('/')}/v1/traces"
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=to)))
    try:
        yield Together((metrics, Traces(provider, texts=settings.telemetry.texts)))
    finally:
        provider.shutdown()


def check(settings: TelemetrySettings) -> None:
    """Raises `SettingsError` when what traces need is not installed."""
    if settings.traces and lacks("telemetry"):
        raise SettingsError(f"telemetry.traces is on: to use it, {how_to_have('telemetry')}.")
