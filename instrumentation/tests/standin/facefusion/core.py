import argparse
import sys
from time import time

from facefusion import logger, process_manager, state_manager
from facefusion.jobs import job_helper, job_manager, job_runner
from facefusion.workflows import to_video


def cli():
    program = argparse.ArgumentParser()
    program.add_argument("command")
    program.add_argument("job_id", nargs="?")
    program.add_argument("-t", "--target-path", default="clip.mp4")
    program.add_argument("-o", "--output-path", default="out.mp4")
    program.add_argument("--jobs-path", default=".jobs")
    program.add_argument("--ui-layouts", nargs="+", default=["default"])
    program.add_argument("--log-level", default="info")
    for key, value in vars(program.parse_args()).items():
        state_manager.set_item(key, value)
    state_manager.set_item("processors", ["face_swapper", "face_enhancer"])
    logger.init(state_manager.get_item("log_level").upper().replace("WARN", "WARNING"))
    route(state_manager.get_item("command"))


def route(command):
    job_manager.init_jobs(state_manager.get_item("jobs_path"))
    if command == "run":
        import facefusion.uis.core as ui

        for layout in ui.get_ui_layouts_modules(state_manager.get_item("ui_layouts")):
            if not layout.pre_check():
                sys.exit(2)
        ui.launch()
    if command == "headless-run":
        sys.exit(process_headless())


def step_args():
    keys = ("target_path", "output_path", "processors")
    return {key: state_manager.get_item(key) for key in keys}


def process_headless():
    job_id = job_helper.suggest_job_id("headless")
    if (
        job_manager.create_job(job_id)
        and job_manager.add_step(job_id, step_args())
        and job_manager.submit_job(job_id)
        and job_runner.run_job(job_id, process_step)
    ):
        return 0
    return 1


def common_pre_check():
    return "uncheckable" not in (state_manager.get_item("target_path") or "")


def process_step(job_id, step_index, step_args):
    for key, value in step_args.items():
        state_manager.set_item(key, value)
    logger.info("processing step " + str(step_index + 1) + " of 1", __name__)
    if common_pre_check():
        return conditional_process() == 0
    return False


def conditional_process():
    start_time = time()
    try:
        return to_video.process(start_time)
    finally:
        process_manager.end()
