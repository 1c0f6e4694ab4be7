// A libnvidia-ml.so.1 without a driver. It has the functions that the collector may call, and does what a small text file tells it to.
//
// Environment:
//   FAKENVML_CONTROL  the control file. It is read again at every call, so that a running process can be made to see something else. Replace it by rename,
//                     so that no half of it is read. Without it, everything has its default.
//   FAKENVML_LOG      a file to which every call appends a line: the function, and the index of the GPU.
//
// The control file has a key and a value on each line. N is the index of a GPU. Defaults differ from GPU to GPU and from key to key (n is N+1).
//   gpus             2             how many GPUs there are (at most 64)
//   init             0             return code of nvmlInit: 9 no driver in the kernel, 18 another driver in the kernel, 4 no permission
//   init.block       0             1: nvmlInit does not return before this is 0 again
//   rc               0             return code of every other call
//   driver_version   999.42.01
//   nvml_version     13.999.42.01
//   cuda_version     13040         1000 * major + 10 * minor
//   gpu.N.lost       0             1: every call on the GPU, and finding it, returns 15 (GPU is lost)
//   gpu.N.reset      0             1: the same with 16 (reset required)
//   gpu.N.block      0             1: no call on the GPU returns before this is 0 again
//   gpu.N.rc.FIELD   0             return code of one field: handle uuid name pci vbios utilization encoder decoder samples memory temperature power energy
//   gpu.N.uuid       GPU-fa4e0000-0000-0000-0000-00000000000n
//   gpu.N.name       Fake GPU n
//   gpu.N.vbios      95.02.0n.00.01
//   gpu.N.pci_bus    64 + n        of the address 0000:<bus>:00.0
//   gpu.N.utilization 40 + n       percent
//   gpu.N.encoder    20 + n        percent
//   gpu.N.decoder    10 + n        percent
//   gpu.N.memory.total    (16 + n) GiB
//   gpu.N.memory.used     (2 + n) GiB, without what is reserved
//   gpu.N.memory.reserved n * 256 MiB
//   gpu.N.temperature 60 + n       degrees Celsius
//   gpu.N.power      150000 + n    milliwatts
//   gpu.N.energy     5000000 + n   millijoules
//   gpu.N.samples    auto          the sample buffer of the utilization; also gpu.N.encoder.samples and gpu.N.decoder.samples
//                      auto        the current value every 200 ms, as far back as 14 s
//                      none        not supported
//                      TIME:VALUE ...  these entries, TIME in microseconds
//
// Compile with -DNO_<FUNCTION> to leave a function out, as an older driver does; see the #ifndef lines.

#include "nvml.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAX_GPUS 64
#define LINE 8192

static __thread char value[LINE];
static int users;

// knob returns the value of a key, or NULL. It stays valid until the next call in the thread.
static const char *knob(const char *format, ...) {
	char key[128], line[LINE];
	va_list args;
	va_start(args, format);
	vsnprintf(key, sizeof key, format, args);
	va_end(args);
	const char *path = getenv("FAKENVML_CONTROL"), *found = NULL;
	FILE *file = path ? fopen(path, "re") : NULL;
	if (!file)
		return NULL;
	size_t length = strlen(key);
	while (!found && fgets(line, sizeof line, file)) {
		if (strncmp(line, key, length) || line[length] != ' ')
			continue;
		line[strcspn(line, "\n")] = 0;
		strcpy(value, line + length + 1);
		found = value;
	}
	fclose(file);
	return found;
}

static unsigned long long number(const char *v, unsigned long long otherwise) { return v ? strtoull(v, NULL, 0) : otherwise; }

static void note(const char *function, int gpu) {
	const char *path = getenv("FAKENVML_LOG");
	FILE *file = path ? fopen(path, "ae") : NULL;
	if (!file)
		return;
	fprintf(file, gpu < 0 ? "%s\n" : "%s %d\n", function, gpu);
	fclose(file);
}

static nvmlReturn_t text(const char *v, char *out, unsigned int size) {
	return (unsigned int)snprintf(out, size, "%s", v) < size ? NVML_SUCCESS : NVML_ERROR_INSUFFICIENT_SIZE;
}

// say answers with the text of a knob of a GPU, or with the default made from n.
static nvmlReturn_t say(int gpu, const char *key, const char *otherwise, char *out, unsigned int size) {
	char made[64];
	snprintf(made, sizeof made, otherwise, gpu + 1);
	const char *v = knob("gpu.%d.%s", gpu, key);
	return text(v ? v : made, out, size);
}

// begin is the start of every call but nvmlInit.
static nvmlReturn_t begin(const char *function, int gpu) {
	note(function, gpu);
	if (!__atomic_load_n(&users, __ATOMIC_SEQ_CST))
		return NVML_ERROR_UNINITIALIZED;
	return (nvmlReturn_t)number(knob("rc"), 0);
}

static int gpus(void) {
	unsigned long long n = number(knob("gpus"), 2);
	return n > MAX_GPUS ? MAX_GPUS : (int)n;
}

// on is the start of every call on a GPU.
static nvmlReturn_t on(int gpu, const char *function, const char *field) {
	nvmlReturn_t rc = begin(function, gpu);
	if (rc)
		return rc;
	while (number(knob("gpu.%d.block", gpu), 0))
		usleep(5000);
	if (number(knob("gpu.%d.lost", gpu), 0))
		return NVML_ERROR_GPU_IS_LOST;
	if (number(knob("gpu.%d.reset", gpu), 0))
		return NVML_ERROR_RESET_REQUIRED;
	return (nvmlReturn_t)number(knob("gpu.%d.rc.%s", gpu, field), 0);
}

// A handle is the index plus one.
static int of(nvmlDevice_t d) { return (int)(long)d.handle - 1; }

#define ON(device, field)                              \
	int gpu = of(device), n = gpu + 1;             \
	nvmlReturn_t rc = on(gpu, __func__, field);    \
	(void)n;                                       \
	if (rc)                                        \
		return rc

#define GIB (1ULL << 30)

static nvmlReturn_t start(const char *function) {
	note(function, -1);
	while (number(knob("init.block"), 0))
		usleep(5000);
	nvmlReturn_t rc = (nvmlReturn_t)number(knob("init"), 0);
	if (!rc)
		__atomic_add_fetch(&users, 1, __ATOMIC_SEQ_CST);
	return rc;
}

#ifndef NO_INIT
nvmlReturn_t nvmlInit(void) { return start(__func__); }
#ifndef NO_VERSIONS
nvmlReturn_t nvmlInit_v2(void) { return start(__func__); }
#endif
#endif

nvmlReturn_t nvmlShutdown(void) {
	nvmlReturn_t rc = begin(__func__, -1);
	if (rc == NVML_ERROR_UNINITIALIZED)
		return rc;
	__atomic_sub_fetch(&users, 1, __ATOMIC_SEQ_CST);
	return NVML_SUCCESS;
}

#ifndef NO_ERROR_STRING
const char *nvmlErrorString(nvmlReturn_t result) {
	note(__func__, -1);
	return "an error of the fake library";
}
#endif

#ifndef NO_SYSTEM
static nvmlReturn_t told(const char *function, const char *key, const char *otherwise, char *out, unsigned int size) {
	nvmlReturn_t rc = begin(function, -1);
	const char *v = knob(key);
	return rc ? rc : text(v ? v : otherwise, out, size);
}

nvmlReturn_t nvmlSystemGetDriverVersion(char *v, unsigned int size) { return told(__func__, "driver_version", "999.42.01", v, size); }
nvmlReturn_t nvmlSystemGetNVMLVersion(char *v, unsigned int size) { return told(__func__, "nvml_version", "13.999.42.01", v, size); }

nvmlReturn_t nvmlSystemGetCudaDriverVersion(int *version) {
	nvmlReturn_t rc = begin(__func__, -1);
	*version = (int)number(knob("cuda_version"), 13040);
	return rc;
}

#ifndef NO_VERSIONS
nvmlReturn_t nvmlSystemGetCudaDriverVersion_v2(int *version) { return nvmlSystemGetCudaDriverVersion(version); }
#endif
#endif

nvmlReturn_t nvmlDeviceGetCount(unsigned int *count) {
	nvmlReturn_t rc = begin(__func__, -1);
	*count = gpus();
	return rc;
}

nvmlReturn_t nvmlDeviceGetHandleByIndex(unsigned int index, nvmlDevice_t *device) {
	nvmlReturn_t rc = on(index, __func__, "handle");
	if (rc)
		return rc;
	if ((int)index >= gpus())
		return NVML_ERROR_INVALID_ARGUMENT;
	device->handle = (struct nvmlDevice_st *)(long)(index + 1);
	return NVML_SUCCESS;
}

#ifndef NO_VERSIONS
nvmlReturn_t nvmlDeviceGetCount_v2(unsigned int *count) { return nvmlDeviceGetCount(count); }
nvmlReturn_t nvmlDeviceGetHandleByIndex_v2(unsigned int index, nvmlDevice_t *device) { return nvmlDeviceGetHandleByIndex(index, device); }
#endif

nvmlReturn_t nvmlDeviceGetUUID(nvmlDevice_t device, char *uuid, unsigned int length) {
	ON(device, "uuid");
	return say(gpu, "uuid", "GPU-fa4e0000-0000-0000-0000-%012d", uuid, length);
}

#ifndef NO_IDENTITY
nvmlReturn_t nvmlDeviceGetName(nvmlDevice_t device, char *name, unsigned int length) {
	ON(device, "name");
	return say(gpu, "name", "Fake GPU %d", name, length);
}

nvmlReturn_t nvmlDeviceGetVbiosVersion(nvmlDevice_t device, char *version, unsigned int length) {
	ON(device, "vbios");
	return say(gpu, "vbios", "95.02.%02d.00.01", version, length);
}

nvmlReturn_t nvmlDeviceGetPciInfo(nvmlDevice_t device, nvmlPciInfo_t *pci) {
	ON(device, "pci");
	memset(pci, 0, sizeof *pci);
	pci->bus = (unsigned int)number(knob("gpu.%d.pci_bus", gpu), 64 + n);
	snprintf(pci->busId, sizeof pci->busId, "00000000:%02X:00.0", pci->bus);
	return NVML_SUCCESS;
}

#ifndef NO_VERSIONS
nvmlReturn_t nvmlDeviceGetPciInfo_v2(nvmlDevice_t device, nvmlPciInfo_t *pci) { return nvmlDeviceGetPciInfo(device, pci); }
nvmlReturn_t nvmlDeviceGetPciInfo_v3(nvmlDevice_t device, nvmlPciInfo_t *pci) { return nvmlDeviceGetPciInfo(device, pci); }
#endif
#endif

static unsigned int percent(int gpu, const char *task) {
	int otherwise = !strcmp(task, "utilization") ? 40 : !strcmp(task, "encoder") ? 20 : 10;
	return (unsigned int)number(knob("gpu.%d.%s", gpu, task), otherwise + gpu + 1);
}

#ifndef NO_UTILIZATION
nvmlReturn_t nvmlDeviceGetUtilizationRates(nvmlDevice_t device, nvmlUtilization_t *rates) {
	ON(device, "utilization");
	rates->gpu = percent(gpu, "utilization");
	// How busy the memory controller is. Nobody should mistake it for the GPU.
	rates->memory = 7;
	return NVML_SUCCESS;
}
#endif

#ifndef NO_ENCODER
nvmlReturn_t nvmlDeviceGetEncoderUtilization(nvmlDevice_t device, unsigned int *utilization, unsigned int *period) {
	ON(device, "encoder");
	*utilization = percent(gpu, "encoder");
	*period = 167000;
	return NVML_SUCCESS;
}
#endif

#ifndef NO_DECODER
nvmlReturn_t nvmlDeviceGetDecoderUtilization(nvmlDevice_t device, unsigned int *utilization, unsigned int *period) {
	ON(device, "decoder");
	*utilization = percent(gpu, "decoder");
	*period = 167000;
	return NVML_SUCCESS;
}
#endif

#ifndef NO_SAMPLES
#define CAPACITY 70
#define PERIOD 200000ULL

static unsigned int listed(const char *list, unsigned long long after, nvmlSample_t *samples) {
	unsigned int count = 0;
	char *end;
	for (const char *at = list; *at && count < CAPACITY; at = end) {
		unsigned long long time = strtoull(at, &end, 10);
		if (*end != ':')
			break;
		unsigned int v = (unsigned int)strtoul(end + 1, &end, 10);
		// Entries that were never filled are handed out as well.
		if (time && time <= after)
			continue;
		samples[count].timeStamp = time;
		samples[count++].sampleValue.uiVal = v;
	}
	return count;
}

static unsigned int made(unsigned int v, unsigned long long after, nvmlSample_t *samples) {
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	unsigned long long last = (now.tv_sec * 1000000ULL + now.tv_nsec / 1000) / PERIOD * PERIOD;
	unsigned int count = 0;
	for (unsigned long long time = last - (CAPACITY - 1) * PERIOD; time <= last; time += PERIOD) {
		if (time <= after)
			continue;
		samples[count].timeStamp = time;
		samples[count++].sampleValue.uiVal = v;
	}
	return count;
}

nvmlReturn_t nvmlDeviceGetSamples(nvmlDevice_t device, nvmlSamplingType_t type, unsigned long long after, nvmlValueType_t *valueType, unsigned int *count,
				  nvmlSample_t *samples) {
	ON(device, "samples");
	static const char *tasks[] = {[NVML_GPU_UTILIZATION_SAMPLES] = "utilization", [NVML_ENC_UTILIZATION_SAMPLES] = "encoder", [NVML_DEC_UTILIZATION_SAMPLES] = "decoder"};
	const char *task = type < sizeof tasks / sizeof *tasks ? tasks[type] : NULL;
	if (!task)
		return NVML_ERROR_NOT_SUPPORTED;
	unsigned int v = percent(gpu, task);
	const char *how = type == NVML_GPU_UTILIZATION_SAMPLES ? knob("gpu.%d.samples", gpu) : knob("gpu.%d.%s.samples", gpu, task);
	if (how && !strcmp(how, "none"))
		return NVML_ERROR_NOT_SUPPORTED;
	nvmlSample_t found[CAPACITY];
	memset(found, 0, sizeof found);
	unsigned int n_found = how && strcmp(how, "auto") ? listed(how, after, found) : made(v, after, found);
	*valueType = NVML_VALUE_TYPE_UNSIGNED_INT;
	if (!n_found)
		return NVML_ERROR_NOT_FOUND;
	if (!samples) {
		*count = CAPACITY;
		return NVML_SUCCESS;
	}
	if (*count < n_found)
		return NVML_ERROR_INSUFFICIENT_SIZE;
	memcpy(samples, found, n_found * sizeof *samples);
	*count = n_found;
	return NVML_SUCCESS;
}
#endif

static unsigned long long total(int gpu) { return number(knob("gpu.%d.memory.total", gpu), (17 + gpu) * GIB); }
static unsigned long long used(int gpu) { return number(knob("gpu.%d.memory.used", gpu), (3 + gpu) * GIB); }
static unsigned long long reserved(int gpu) { return number(knob("gpu.%d.memory.reserved", gpu), (1 + gpu) * GIB / 4); }

#ifndef NO_MEMORY
nvmlReturn_t nvmlDeviceGetMemoryInfo(nvmlDevice_t device, nvmlMemory_t *memory) {
	ON(device, "memory");
	memory->total = total(gpu);
	memory->used = used(gpu) + reserved(gpu);
	memory->free = memory->total - memory->used;
	return NVML_SUCCESS;
}
#endif

#ifndef NO_MEMORY_V2
nvmlReturn_t nvmlDeviceGetMemoryInfo_v2(nvmlDevice_t device, nvmlMemory_v2_t *memory) {
	ON(device, "memory");
	if (memory->version != nvmlMemory_v2)
		return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
	memory->total = total(gpu);
	memory->used = used(gpu);
	memory->reserved = reserved(gpu);
	memory->free = memory->total - memory->used - memory->reserved;
	return NVML_SUCCESS;
}
#endif

#ifndef NO_TEMPERATURE
nvmlReturn_t nvmlDeviceGetTemperature(nvmlDevice_t device, nvmlTemperatureSensors_t sensor, unsigned int *celsius) {
	ON(device, "temperature");
	*celsius = (unsigned int)number(knob("gpu.%d.temperature", gpu), 60 + n);
	return sensor == NVML_TEMPERATURE_GPU ? NVML_SUCCESS : NVML_ERROR_INVALID_ARGUMENT;
}
#endif

#ifndef NO_TEMPERATURE_V
nvmlReturn_t nvmlDeviceGetTemperatureV(nvmlDevice_t device, nvmlTemperature_t *temperature) {
	ON(device, "temperature");
	if (temperature->version != nvmlTemperature_v1)
		return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
	temperature->temperature = (int)number(knob("gpu.%d.temperature", gpu), 60 + n);
	return temperature->sensorType == NVML_TEMPERATURE_GPU ? NVML_SUCCESS : NVML_ERROR_INVALID_ARGUMENT;
}
#endif

#ifndef NO_POWER
nvmlReturn_t nvmlDeviceGetPowerUsage(nvmlDevice_t device, unsigned int *milliwatts) {
	ON(device, "power");
	*milliwatts = (unsigned int)number(knob("gpu.%d.power", gpu), 150000 + n);
	return NVML_SUCCESS;
}
#endif

#ifndef NO_ENERGY
nvmlReturn_t nvmlDeviceGetTotalEnergyConsumption(nvmlDevice_t device, unsigned long long *millijoules) {
	ON(device, "energy");
	*millijoules = number(knob("gpu.%d.energy", gpu), 5000000 + n);
	return NVML_SUCCESS;
}
#endif
