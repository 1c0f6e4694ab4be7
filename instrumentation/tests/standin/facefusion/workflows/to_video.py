import sys
from concurrent.futures import ThreadPoolExecutor
from time import sleep

from tqdm import tqdm

from facefusion import inference_manager, logger, process_manager, state_manager
from facefusion.content_analyser import analyse_video

FRAMES = 20


def process_frame(_):
    sleep(0.0005)
    return True


def process(start_time):
    target = state_manager.get_item("target_path")
    if "fail" in target:
        logger.error("extracting frames failed", __name__)
        return 1
    if "noload" in target:
        inference_manager.create_inference_session(".assets/models/broken.onnx", [])
    inference_manager.create_inference_session(".assets/models/inswapper_128.onnx", [])
    inference_manager.create_inference_session(".assets/models/someone/a_person_224.dfm", [])
    if analyse_video(target, FRAMES):
        return 3
    process_manager.start()
    if "raise" in target:
        raise RuntimeError("CUDA failure 700 at /data/people/face.jpg")
    if "memory" in target:
        raise MemoryError
    if "exit" in target:
        sys.exit(0)
    if "stop" in target:
        process_manager.end()
        return 4
    with tqdm(
        total=FRAMES,
        desc="processing",
        unit="frame",
        ascii=" =",
        disable=state_manager.get_item("log_level") in ["warn", "error"],
    ) as progress:
        progress.set_postfix(execution_providers=["cpu"])
        with ThreadPoolExecutor(max_workers=2) as executor:
            for future in [executor.submit(process_frame, number) for number in range(FRAMES)]:
                future.result()
                progress.update()
    logger.info("processing to video succeeded in 0.1 seconds", __name__)
    process_manager.end()
    return 0
