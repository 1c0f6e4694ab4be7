from time import sleep

from facefusion.exit_helper import fatal_exit


def create_inference_session(model_path, inference_providers):
    try:
        sleep(0.002)
        if "broken" in model_path:
            raise RuntimeError("protobuf parsing failed")
        return object()
    except Exception:
        fatal_exit(1)
