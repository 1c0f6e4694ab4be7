"""A service around FaceFusion, of FastAPI: by one line, or by none (BARE=1, under facefusion-observe)."""

import asyncio
import os
import subprocess
import sys
import threading

from fastapi import APIRouter, BackgroundTasks, FastAPI, HTTPException
from fastapi.responses import StreamingResponse

app = FastAPI()
if not os.environ.get("BARE"):
    from facefusion_observability import instrument

    instrument(app)
router = APIRouter(prefix="/v1")


def swap(target):
    sys.path.insert(0, os.getcwd())
    from facefusion import core, logger, state_manager

    logger.init()
    for key, value in {
        "target_path": target,
        "output_path": "out.mp4",
        "jobs_path": os.environ.get("JOBS", ".jobs"),
        "processors": ["face_swapper"],
        "log_level": "info",
    }.items():
        state_manager.set_item(key, value)
    return core.process_headless()


@router.post("/swap/{user_id}")
def post_swap(user_id: str, target: str = "clip.mp4"):
    from facefusion.jobs import job_manager

    job_manager.init_jobs(os.environ.get("JOBS", ".jobs"))
    if swap(target):
        raise HTTPException(500, "failed")
    return {"done": True}


@router.post("/executor")
async def post_executor():
    from facefusion import state_manager  # noqa: F401

    return await asyncio.get_running_loop().run_in_executor(None, swap, "clip.mp4")


def start(target):
    return [sys.executable, "facefusion.py", "headless-run", "-t", target, "--jobs-path", ".jobs"]


@router.post("/child")
async def post_child(target: str = "clip.mp4"):
    child = await asyncio.create_subprocess_exec(*start(target))
    if await child.wait():
        raise HTTPException(502)
    return {}


@router.post("/plain-child")
def post_plain_child():
    return subprocess.run(start("clip.mp4"), check=False, env=dict(os.environ)).returncode


@router.post("/background")
async def post_background(tasks: BackgroundTasks):
    tasks.add_task(subprocess.run, start("clip.mp4"), check=False)
    return {}


@router.get("/raise")
async def get_raise():
    raise ValueError("at /data/people/jane.png")


@router.get("/id")
async def get_id():
    from facefusion_observability import job_id, request_id

    return {"request_id": request_id(), "job_id": job_id("api")}


@router.get("/nothing")
async def get_nothing():
    return {}


@router.get("/sleep")
async def get_sleep(seconds: float = 0.1):
    await asyncio.sleep(seconds)
    return {}


@router.get("/stream")
async def get_stream():
    async def body():
        for _ in range(3):
            yield b"x"
            await asyncio.sleep(0.05)

    return StreamingResponse(body())


released = threading.Event()


@router.get("/block")
def get_block():
    released.wait(60)


@router.get("/release")
async def get_release():
    released.set()


@app.get("/health/live")
def health():
    return "live"


@app.get("/admin/users/{name}")
def admin(name: str):
    return name


@app.get("/ping-me")
def ping():
    return {"pid": os.getpid(), "threads": [thread.name for thread in threading.enumerate()]}


sub = FastAPI()


@sub.get("/item/{number}")
def item(number: int):
    return number


app.include_router(router)
app.mount("/sub", sub)
