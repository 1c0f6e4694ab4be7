import json
import os
from datetime import datetime

from facefusion import state_manager


def path(job_id, status):
    return os.path.join(state_manager.get_item("jobs_path"), status, job_id + ".json")


def init_jobs(jobs_path):
    for status in ("drafted", "queued", "completed", "failed"):
        os.makedirs(os.path.join(jobs_path, status), exist_ok=True)
    return True


def now():
    return datetime.now().astimezone().isoformat()


def write(job_id, status, job):
    with open(path(job_id, status), "w") as file:
        json.dump(job, file, indent=4)
    return True


def read(job_id, status):
    with open(path(job_id, status)) as file:
        return json.load(file)


def create_job(job_id):
    return write(
        job_id, "drafted", {"version": "1", "date_created": now(), "date_updated": None, "steps": []}
    )


def add_step(job_id, step_args):
    job = read(job_id, "drafted")
    job["steps"].append({"args": step_args, "status": "drafted"})
    job["date_updated"] = now()
    return write(job_id, "drafted", job)


def submit_job(job_id):
    job = read(job_id, "drafted")
    for step in job["steps"]:
        step["status"] = "queued"
    job["date_updated"] = now()
    return write(job_id, "drafted", job) and move(job_id, "drafted", "queued")


def move(job_id, before, after):
    os.rename(path(job_id, before), path(job_id, after))
    return True


def set_step_status(job_id, index, status):
    job = read(job_id, "queued")
    job["steps"][index]["status"] = status
    job["date_updated"] = now()
    return write(job_id, "queued", job)
