from facefusion.jobs import job_manager


def run_job(job_id, process_step):
    if run_steps(job_id, process_step):
        return job_manager.move(job_id, "queued", "completed")
    job_manager.move(job_id, "queued", "failed")
    return False


def run_steps(job_id, process_step):
    steps = job_manager.read(job_id, "queued")["steps"]
    return all(run_step(job_id, index, step, process_step) for index, step in enumerate(steps))


def run_step(job_id, step_index, step, process_step):
    if job_manager.set_step_status(job_id, step_index, "started") and process_step(
        job_id, step_index, step["args"]
    ):
        return job_manager.set_step_status(job_id, step_index, "completed")
    job_manager.set_step_status(job_id, step_index, "failed")
    return False
