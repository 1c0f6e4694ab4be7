"""A layout for FaceFusion: --ui-layouts observed. It shows what FACEFUSION_METRICS_LAYOUT names, or the
default layout, and serves /metrics, /healthz and /readyz beside it. Without the package
facefusion-observability it is that layout, and nothing else.
"""

try:
    from facefusion_observability.layout import listen, pre_check, render, run
except ImportError:
    from facefusion.uis.layouts.default import listen, pre_check, render, run  # type: ignore[no-redef]

__all__ = ["listen", "pre_check", "render", "run"]
