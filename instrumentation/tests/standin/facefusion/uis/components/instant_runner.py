import gradio

from facefusion.core import process_step, step_args
from facefusion.jobs import job_helper, job_manager, job_runner

BUTTON = None
TARGET = None


def render():
    global BUTTON, TARGET
    TARGET = gradio.Textbox("clip.mp4")
    BUTTON = gradio.Button("start")


def listen():
    BUTTON.click(run, inputs=[TARGET], outputs=[TARGET])


def run(target):
    job_id = job_helper.suggest_job_id("ui")
    args = {**step_args(), "target_path": target}
    job_manager.create_job(job_id)
    job_manager.add_step(job_id, args)
    job_manager.submit_job(job_id)
    job_runner.run_job(job_id, process_step)
    return target
