from datetime import datetime


def suggest_job_id(job_prefix="job"):
    return job_prefix + "-" + datetime.now().strftime("%Y-%m-%d-%H-%M-%S")
