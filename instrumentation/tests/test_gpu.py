"""The GPUs through the real nvidia-ml-py, on a driver's library that is built here."""

import json
import shutil
import subprocess

import pytest

from conftest import HERE, PYTHON, free_port

# Two GPUs, the second of which is cut up: it has no utilization. NVML_FAILS has what each function returns:
# "Count=999" is a driver that was replaced, "Init=9" one that is not loaded.
LIBRARY = r"""
#include <stdlib.h>
#include <string.h>
static int result(const char *name) {
    const char *fails = getenv("NVML_FAILS");
    const char *found = fails ? strstr(fails, name) : NULL;
    return found ? atoi(found + strlen(name) + 1) : 0;
}
int nvmlInit_v2(void) { return result("Init"); }
int nvmlInitWithFlags(unsigned flags) { return result("Init"); }
int nvmlShutdown(void) { return 0; }
const char *nvmlErrorString(int error) { return "an error of the test's"; }
int nvmlDeviceGetCount_v2(unsigned *count) { *count = 2; return result("Count"); }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **handle) {
    *handle = (void *)(long)(index + 1);
    return result("Handle");
}
int nvmlDeviceGetMemoryInfo(void *handle, unsigned long long *memory) {
    memory[0] = 24ull << 30, memory[2] = (unsigned long long)(long)handle << 30;
    memory[1] = memory[0] - memory[2];
    return result("Memory");
}
int nvmlDeviceGetUtilizationRates(void *handle, unsigned *rates) {
    rates[0] = 93, rates[1] = 7;
    return handle == (void *)2 ? 3 : result("Utilization");
}
"""

READ = """
import json, os
from facefusion_observability.gpu import GPUs
gpus = GPUs()
for fails in {fails}:
    os.environ["NVML_FAILS"] = fails
    print(json.dumps(gpus.read()))
"""
BOTH = [["gpu_0", 1 << 30, 24 << 30, 93], ["gpu_1", 2 << 30, 24 << 30, None]]


@pytest.fixture(scope="session")
def driver(tmp_path_factory):
    """A folder with the library."""
    folder = tmp_path_factory.mktemp("driver")
    (folder / "nvml.c").write_text(LIBRARY)
    library = folder / "libnvidia-ml.so.1"
    compiler = shutil.which("cc") or shutil.which("gcc")
    assert compiler, "install a C compiler"
    subprocess.run((compiler, "-shared", "-fPIC", "-o", library, folder / "nvml.c"), check=True)
    return str(folder)


@pytest.fixture
def read(run, driver):
    """Return what is read in turn, while functions of the library fail."""

    def call(*fails, folder=driver):
        result = run(PYTHON, "-c", READ.format(fails=fails), LD_LIBRARY_PATH=folder)
        assert result.code == 0, result.errors
        return [json.loads(line) for line in result.output.splitlines()]

    return call


def test_memory_and_utilization_of_each_gpu(read):
    assert read("") == [BOTH]


def test_a_driver_that_was_replaced_is_opened_again(read):
    assert read("", "Count=18", "") == [BOTH, [], BOTH]
    assert read("", "Memory=15", "") == [BOTH, [], BOTH]


def test_a_driver_that_comes_later(read):
    assert read("Init=9", "Init=9", "") == [[], [], BOTH]


def test_without_a_driver(read, tmp_path):
    assert read("", "", folder=str(tmp_path)) == [[], []]


def test_without_its_package(run, driver):
    """The extra `gpu` was not installed."""
    hidden = "import sys; sys.modules['pynvml'] = None\n"
    result = run(PYTHON, "-c", hidden + READ.format(fails=("", "")), LD_LIBRARY_PATH=driver)
    assert result.output == "[]\n[]\n"


def test_they_are_on_the_page_in_percent(serve, checkout, driver):
    """The common recipes' own alert asks for facefusion_gpu_utilization > 90."""
    port = free_port()
    service = serve(
        *(PYTHON, "-m", "uvicorn", "--port", str(port), "--log-level", "warning", "apps.fast:app"),
        port=port,
        PYTHONPATH=f"{HERE}:{checkout}",
        LD_LIBRARY_PATH=driver,
    )
    service.get("/v1/nothing")
    page = service.eventually(lambda page: "facefusion_gpu_utilization" in page.names())
    assert page.value("facefusion_gpu_utilization", device="gpu_0") == 93
    assert page.value("facefusion_gpu_utilization", device="gpu_1") is None
    assert page.value("gpu_memory_used_bytes", device="gpu_1") == 2 << 30
    assert page.value("gpu_memory_total_bytes", device="gpu_0") == 24 << 30
