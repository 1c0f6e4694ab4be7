"""A service around FaceFusion, of Flask."""

import os
import time

from flask import Flask, Response

app = Flask(__name__)
if not os.environ.get("BARE"):
    from facefusion_observability import instrument

    instrument(app)


@app.post("/swap/<user_id>")
def swap(user_id):
    from apps.fast import swap as work
    from facefusion.jobs import job_manager

    job_manager.init_jobs(".jobs")
    return {"code": work("clip.mp4")}


@app.get("/raise")
def get_raise():
    raise ValueError("at /data/people/jane.png")


@app.get("/stream")
def stream():
    return Response((b"x" for _ in range(3)), mimetype="text/plain")


@app.get("/pid")
def pid():
    time.sleep(0.02)
    return {"pid": os.getpid()}


@app.get("/readyz")
def own_readyz():
    return "mine"
