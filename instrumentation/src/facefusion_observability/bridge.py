"""The families of the page as OTLP metrics: counted once, under the same names."""

from __future__ import annotations

import math
import os
import socket
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric
from prometheus_client.samples import Sample

from . import __version__, multiprocess
from .metrics import families

if TYPE_CHECKING:
    from .otlp import Exporters

_STARTED = time.time_ns()

Labels = tuple[tuple[str, str], ...]


def send(registry: Callable[[], AbstractContextManager[CollectorRegistry]], to: Exporters) -> None:
    """Send what is in a registry and ours."""
    from opentelemetry.sdk.metrics.export import MetricExportResult, MetricsData

    names = {family.name for mine in families().mine for family in mine.describe()}
    with registry() as values:
        found = [family for family in values.collect() if family.name in names]
    result = to.metrics.export(MetricsData([_resource_metrics(found, to)]))
    if result is not MetricExportResult.SUCCESS:
        from .guard import fault

        fault("metrics export", ConnectionError("not delivered"))


def _resource_metrics(found: Iterable[Metric], to: Exporters) -> Any:
    from opentelemetry.sdk.metrics.export import ResourceMetrics, ScopeMetrics
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

    scope = InstrumentationScope("facefusion_observability", __version__)
    metrics = [metric for family in found if (metric := _metric(family)) is not None]
    # The exporters were made before a fork; who sends is this process, or one for all.
    one_for_all = bool(multiprocess.folder())
    instance = socket.gethostname() + ("" if one_for_all else f"-{os.getpid()}")
    resource = to.resource.merge(Resource({"service.instance.id": instance}))
    return ResourceMetrics(resource, [ScopeMetrics(scope, metrics, "")], "")


def _metric(family: Metric) -> Any:
    from opentelemetry.sdk.metrics.export import AggregationTemporality, Gauge, Histogram, Sum
    from opentelemetry.sdk.metrics.export import Metric as OTelMetric

    now = time.time_ns()
    cumulative = AggregationTemporality.CUMULATIVE
    if family.type == "histogram":
        data: Any = Histogram(_histograms(family.samples, now), cumulative)
    elif family.type == "counter":
        totals = [sample for sample in family.samples if sample.name.endswith("_total")]
        data = Sum(_numbers(totals, now), cumulative, is_monotonic=True)
    elif family.type == "gauge":
        data = Gauge(_numbers(family.samples, now))
    else:
        return None
    return OTelMetric(family.name, family.documentation, "", data) if data.data_points else None


def _numbers(samples: Iterable[Sample], now: int) -> list[Any]:
    from opentelemetry.sdk.metrics.export import NumberDataPoint

    return [
        NumberDataPoint(
            attributes=dict(sample.labels),
            start_time_unix_nano=_STARTED,
            time_unix_nano=now,
            value=float(sample.value),
        )
        for sample in samples
    ]


def _histograms(samples: Iterable[Sample], now: int) -> list[Any]:
    from opentelemetry.sdk.metrics.export import HistogramDataPoint

    buckets: dict[Labels, list[tuple[float, float]]] = {}
    sums: dict[Labels, float] = {}
    for sample in samples:
        labels = dict(sample.labels)
        bound = labels.pop("le", "")
        key = tuple(sorted(labels.items()))
        if sample.name.endswith("_bucket"):
            buckets.setdefault(key, []).append((float(bound), sample.value))
        elif sample.name.endswith("_sum"):
            sums[key] = sample.value
    points = []
    for key, cumulative in buckets.items():
        cumulative.sort()
        counts = [int(value) for _, value in cumulative]
        points.append(
            HistogramDataPoint(
                attributes=dict(key),
                start_time_unix_nano=_STARTED,
                time_unix_nano=now,
                count=counts[-1],
                sum=sums.get(key, 0.0),
                bucket_counts=[after - before for before, after in zip([0, *counts], counts, strict=False)],
                explicit_bounds=[bound for bound, _ in cumulative if math.isfinite(bound)],
                # Not known, and the encoder leaves them out.
                min=None,  # type: ignore[arg-type]
                max=None,  # type: ignore[arg-type]
            )
        )
    return points
