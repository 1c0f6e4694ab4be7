"""A worker around FaceFusion, of Celery: the broker is a folder."""

import os

from celery import Celery

folder = os.environ["BROKER"]
app = Celery("tasks", broker="filesystem://", backend="file://" + folder)
app.conf.broker_transport_options = {
    "data_folder_in": folder,
    "data_folder_out": folder,
    "control_folder": folder,
}
if os.environ.get("INSTRUMENT"):
    from facefusion_observability import instrument

    instrument()


@app.task
def swap(target):
    from apps.fast import swap as work
    from facefusion.jobs import job_manager

    job_manager.init_jobs(".jobs")
    return work(target)


@app.task
def crash():
    raise RuntimeError("CUDA failure 700")
