from time import sleep

from tqdm import tqdm

from facefusion import state_manager


def analyse_video(path, frames):
    with tqdm(
        total=frames,
        desc="analysing",
        unit="frame",
        ascii=" =",
        disable=state_manager.get_item("log_level") in ["warn", "error"],
    ) as progress:
        for _ in range(frames):
            sleep(0.0002)
            progress.set_postfix(rate=0)
            progress.update()
    return "decline" in path
