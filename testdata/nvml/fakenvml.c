// A libnvidia-ml.so.1 without a driver. It has the functions that the collector may call, and does what a small text file tells it to.
//
// Environment:
//   FAKENVML_CONTROL  the control file. It is looked at again at every call, so that a running process can be made to see something else. Replace it by rename,
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
//   gpu.N.rc.FIELD   0             return code of one field: handle uuid name pci vbios utilization encoder decoder samples memory temperature power energy,
//                                  and the names of the numbers below; memory_v2 is of the newer call alone
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
//   gpu.N.memory.utilization 6 + n percent: how busy the memory controller is
//   gpu.N.samples    auto          the sample buffer of the utilization; also gpu.N.encoder.samples and gpu.N.decoder.samples
//                      auto        the current value every 200 ms, as far back as 14 s
//                      none        not supported
//                      TIME:VALUE ...  these entries, TIME in microseconds
//   gpu.N.jpeg       none          percent; none: not supported. Also gpu.N.ofa
//   gpu.N.clock.DOMAIN   100 * n + 10 * k   MHz, k is 1 graphics, 2 sm, 3 memory, 4 video. Also gpu.N.max_clock.DOMAIN, 1000 more
//   gpu.N.clock_events   4         bits of nvmlClocksEventReasons
//   gpu.N.pstate     n
//   gpu.N.power_limit    300000 + n    milliwatts, enforced. Also power_limit.default (+ 1000), .minimum (+ 2000), .maximum (+ 3000)
//   gpu.N.ecc.KIND   10 * n + k    k is 1 corrected, 2 uncorrected, 3 aggregate_corrected, 4 aggregate_uncorrected
//   gpu.N.threshold.K    80 + 5 * K + n    degrees Celsius, K of nvmlTemperatureThresholds_t
//   gpu.N.retired.K  n + K         pages, K of nvmlPageRetirementCause_t; gpu.N.retired.pending 0
//   gpu.N.rows       "n n+1 0 0"   corrected, uncorrected, pending, failed
//   gpu.N.encoder.stats  "n 20+n 1000*n"   sessions, frames per second, microseconds
//   gpu.N.bar1       "n 256"       MiB, used and total
//   gpu.N.fans       n             how many; gpu.N.fan.K 30 + 10 * K + n percent; gpu.N.rpm.K 1000 + 100 * K + n
//   gpu.N.replay     5 + n
//   gpu.N.link       "n+1 4 8 16"  generation, its maximum, width, its maximum
//   gpu.N.field.ID   not supported a field value. 82 (memory temperature) is 70 + n, 74 to 79 (throttle times) (ID + n) * 1e9, 197 and 198 (PCIe) ID * 1e6 + n, 230 (recovery action) 0
//   gpu.N.field.ID.type  3         nvmlValueType_t: 1 unsigned int, 3 unsigned long long, 5 int
//   gpu.N.compute    none          PID:BYTES ...; BYTES may be "unknown". Also gpu.N.graphics and gpu.N.mps; "unsupported": not supported
//   gpu.N.process.samples  none    TIME:PID:SM:ENCODER:DECODER ...; "unsupported": not supported
//   gpu.N.LIST.claimed       how many entries a list claims to have: compute, graphics, mps, samples, process.samples
//   gpu.N.claims.late    0         1: a list of processes claims so together with its entries, as a success
//   gpu.N.process.grow   0         how many more entries the second answer about the samples claims than the first
//   gpu.N.mig        0             how many MIG devices the GPU is divided into; off without any. MIG device K of GPU N is the handle N.K, and answers to
//                                  gpu.N.mig.K.memory.used, .memory.total and .compute
//   gpu.N.mig.max    7             how many MIG devices there can be
//   gpu.N.mig.K.instance 3 + K     the number of the GPU instance that MIG device K is in
//   gpu.N.gpm        1             0: not one of those that can be measured
//   gpu.N.gpm.ID     ID + n / 10   what is measured, of nvmlGpmMetricId_t; none: not supported. Of GPU instance I, 1/100 more for each number of it
//   xids             none          SEQUENCE:GPU:CODE ...; an event set tells those whose sequence number is higher than all that were there when it was made
//   xids.never       0             1: there will be none, and a call that waits for one does not look for it. A driver wakes nobody before there is something to say
//   xids.replay      0             1: a new event set tells all
//
// Compile with -DNO_<FUNCTION> to leave a function out, as an older driver does; see the #ifndef lines.

#include "nvml.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAX_GPUS 64
#define LINE 8192

static __thread char value[LINE];
// current says that the control file was looked at in this call.
static __thread int current;
static int users;

// control returns the text of the control file, or NULL. A thread keeps it for as long as the file is the same one, and looks at the file once in each call: a call into this library is to cost what
// a call into the driver's costs, not what reading a file does.
static const char *control(void) {
	static __thread struct stat of;
	static __thread char *text;
	if (current && text)
		return text;
	const char *path = getenv("FAKENVML_CONTROL");
	struct stat now;
	current = 1;
	if (!path || stat(path, &now)) {
		free(text);
		return text = NULL;
	}
	if (text && now.st_ino == of.st_ino && now.st_size == of.st_size && now.st_mtim.tv_sec == of.st_mtim.tv_sec && now.st_mtim.tv_nsec == of.st_mtim.tv_nsec)
		return text;
	FILE *file = fopen(path, "re");
	if (!file) {
		free(text);
		return text = NULL;
	}
	fstat(fileno(file), &of);
	text = realloc(text, of.st_size + 1);
	text[fread(text, 1, of.st_size, file)] = 0;
	fclose(file);
	return text;
}

// knob returns the value of a key, or NULL. It stays valid until the next call in the thread.
static const char *knob(const char *format, ...) {
	char key[128];
	va_list args;
	va_start(args, format);
	vsnprintf(key, sizeof key, format, args);
	va_end(args);
	size_t length = strlen(key);
	for (const char *line = control(); line && *line; line++) {
		size_t ends = strcspn(line, "\n");
		if (!strncmp(line, key, length) && line[length] == ' ') {
			snprintf(value, sizeof value, "%.*s", (int)(ends - length - 1), line + length + 1);
			return value;
		}
		line += ends;
		if (!*line)
			break;
	}
	return NULL;
}

// pauseCall has the control file looked at again.
static void pauseCall(void) {
	usleep(5000);
	current = 0;
}

static unsigned long long number(const char *v, unsigned long long otherwise) { return v ? strtoull(v, NULL, 0) : otherwise; }

// note is the start of every call.
static void note(const char *function, int gpu) {
	current = 0;
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
		pauseCall();
	if (number(knob("gpu.%d.lost", gpu), 0))
		return NVML_ERROR_GPU_IS_LOST;
	if (number(knob("gpu.%d.reset", gpu), 0))
		return NVML_ERROR_RESET_REQUIRED;
	return (nvmlReturn_t)number(knob("gpu.%d.rc.%s", gpu, field), 0);
}

// A handle is the index plus one; that of a MIG device has its number plus one above.
static int of(nvmlDevice_t d) { return (int)((long)d.handle & 0xff) - 1; }
static int part(nvmlDevice_t d) { return (int)((long)d.handle >> 8) - 1; }

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
		pauseCall();
	nvmlReturn_t rc = (nvmlReturn_t)number(knob("init"), 0);
	if (!rc)
		__atomic_add_fetch(&users, 1, __ATOMIC_SEQ_CST);
	return rc;
}

#ifndef NO_INIT
nvmlReturn_t nvmlInit(void) { return start(__func__); }
#ifndef NO_VERSIONS
nvmlReturn_t nvmlInit_v2(void) { return start(__func__); }
nvmlReturn_t nvmlInitWithFlags(unsigned int flags) { return start(__func__); } // NVIDIA's package for Python
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
	if (part(device) >= 0) {
		char made[64];
		snprintf(made, sizeof made, "MIG-fa4e0000-0000-0000-%04d-%012d", part(device) + 1, n);
		return text(made, uuid, length);
	}
	return say(gpu, "uuid", "GPU-fa4e0000-0000-0000-0000-%012d", uuid, length);
}

#ifndef NO_HANDLE_BY_UUID
nvmlReturn_t nvmlDeviceGetHandleByUUID(const char *uuid, nvmlDevice_t *device) {
	for (int gpu = 0; gpu < gpus(); gpu++) {
		char is[96];
		if (say(gpu, "uuid", "GPU-fa4e0000-0000-0000-0000-%012d", is, sizeof is) || strcmp(is, uuid))
			continue;
		device->handle = (struct nvmlDevice_st *)(long)(gpu + 1);
		return on(gpu, __func__, "handle");
	}
	nvmlReturn_t rc = begin(__func__, -1);
	return rc ? rc : NVML_ERROR_NOT_FOUND;
}
#endif

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
	rates->memory = (unsigned int)number(knob("gpu.%d.memory.utilization", gpu), 6 + n);
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
		*count = (unsigned int)number(knob("gpu.%d.samples.claimed", gpu), CAPACITY);
		return NVML_SUCCESS;
	}
	if (*count < n_found)
		return NVML_ERROR_INSUFFICIENT_SIZE;
	memcpy(samples, found, n_found * sizeof *samples);
	*count = n_found;
	return NVML_SUCCESS;
}
#endif

static unsigned long long partial(int gpu, int part, const char *key, unsigned long long otherwise) {
	return number(knob("gpu.%d.mig.%d.%s", gpu, part, key), otherwise);
}

static unsigned long long total(int gpu) { return number(knob("gpu.%d.memory.total", gpu), (17 + gpu) * GIB); }
static unsigned long long used(int gpu) { return number(knob("gpu.%d.memory.used", gpu), (3 + gpu) * GIB); }
static unsigned long long reserved(int gpu) { return number(knob("gpu.%d.memory.reserved", gpu), (1 + gpu) * GIB / 4); }

#ifndef NO_MEMORY
nvmlReturn_t nvmlDeviceGetMemoryInfo(nvmlDevice_t device, nvmlMemory_t *memory) {
	ON(device, "memory");
	memory->total = total(gpu);
	memory->used = used(gpu) + reserved(gpu);
	if (part(device) >= 0) {
		memory->total = partial(gpu, part(device), "memory.total", 5 * GIB);
		memory->used = partial(gpu, part(device), "memory.used", (part(device) + 1) * GIB);
	}
	memory->free = memory->total - memory->used;
	return NVML_SUCCESS;
}
#endif

#ifndef NO_MEMORY_V2
nvmlReturn_t nvmlDeviceGetMemoryInfo_v2(nvmlDevice_t device, nvmlMemory_v2_t *memory) {
	ON(device, "memory");
	if ((rc = (nvmlReturn_t)number(knob("gpu.%d.rc.memory_v2", gpu), 0)))
		return rc;
	if (memory->version != nvmlMemory_v2)
		return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
	memory->total = total(gpu);
	memory->used = used(gpu);
	memory->reserved = reserved(gpu);
	if (part(device) >= 0) {
		memory->total = partial(gpu, part(device), "memory.total", 5 * GIB);
		memory->used = partial(gpu, part(device), "memory.used", (part(device) + 1) * GIB);
		memory->reserved = 0;
	}
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

#ifndef NO_JPEG
static nvmlReturn_t engine(int gpu, const char *name, unsigned int *utilization, unsigned int *period) {
	const char *v = knob("gpu.%d.%s", gpu, name);
	if (!v)
		return NVML_ERROR_NOT_SUPPORTED;
	*utilization = (unsigned int)number(v, 0);
	*period = 167000;
	return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetJpgUtilization(nvmlDevice_t device, unsigned int *utilization, unsigned int *period) {
	ON(device, "jpeg");
	return engine(gpu, "jpeg", utilization, period);
}

nvmlReturn_t nvmlDeviceGetOfaUtilization(nvmlDevice_t device, unsigned int *utilization, unsigned int *period) {
	ON(device, "ofa");
	return engine(gpu, "ofa", utilization, period);
}
#endif

#ifndef NO_DETAILS
// NUMBER answers with a knob of the same name as its field.
#define NUMBER(device, field, out, otherwise)                                          \
	ON(device, field);                                                             \
	*(out) = (__typeof__(*(out)))number(knob("gpu.%d.%s", gpu, field), otherwise); \
	return NVML_SUCCESS

static const char *domains[] = {[NVML_CLOCK_GRAPHICS] = "graphics", [NVML_CLOCK_SM] = "sm", [NVML_CLOCK_MEM] = "memory", [NVML_CLOCK_VIDEO] = "video"};

nvmlReturn_t nvmlDeviceGetClockInfo(nvmlDevice_t device, nvmlClockType_t type, unsigned int *mhz) {
	ON(device, "clock");
	*mhz = (unsigned int)number(knob("gpu.%d.clock.%s", gpu, domains[type]), 100 * n + 10 * (type + 1));
	return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetMaxClockInfo(nvmlDevice_t device, nvmlClockType_t type, unsigned int *mhz) {
	ON(device, "max_clock");
	*mhz = (unsigned int)number(knob("gpu.%d.max_clock.%s", gpu, domains[type]), 1000 + 100 * n + 10 * (type + 1));
	return NVML_SUCCESS;
}

#ifndef NO_EVENT_REASONS
nvmlReturn_t nvmlDeviceGetCurrentClocksEventReasons(nvmlDevice_t device, unsigned long long *bits) { NUMBER(device, "clock_events", bits, 4); }
#endif
nvmlReturn_t nvmlDeviceGetCurrentClocksThrottleReasons(nvmlDevice_t device, unsigned long long *bits) { NUMBER(device, "clock_events", bits, 4); }
nvmlReturn_t nvmlDeviceGetPerformanceState(nvmlDevice_t device, nvmlPstates_t *state) { NUMBER(device, "pstate", state, n); }
nvmlReturn_t nvmlDeviceGetEnforcedPowerLimit(nvmlDevice_t device, unsigned int *mw) { NUMBER(device, "power_limit", mw, 300000 + n); }
nvmlReturn_t nvmlDeviceGetPowerManagementDefaultLimit(nvmlDevice_t device, unsigned int *mw) { NUMBER(device, "power_limit.default", mw, 301000 + n); }
nvmlReturn_t nvmlDeviceGetPcieReplayCounter(nvmlDevice_t device, unsigned int *count) { NUMBER(device, "replay", count, 5 + n); }
nvmlReturn_t nvmlDeviceGetNumFans(nvmlDevice_t device, unsigned int *count) { NUMBER(device, "fans", count, n); }
nvmlReturn_t nvmlDeviceGetRetiredPagesPendingStatus(nvmlDevice_t device, nvmlEnableState_t *pending) { NUMBER(device, "retired.pending", pending, 0); }

nvmlReturn_t nvmlDeviceGetPowerManagementLimitConstraints(nvmlDevice_t device, unsigned int *least, unsigned int *most) {
	ON(device, "power_limit.constraints");
	*least = (unsigned int)number(knob("gpu.%d.power_limit.minimum", gpu), 302000 + n);
	*most = (unsigned int)number(knob("gpu.%d.power_limit.maximum", gpu), 303000 + n);
	return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetTotalEccErrors(nvmlDevice_t device, nvmlMemoryErrorType_t type, nvmlEccCounterType_t counter, unsigned long long *count) {
	ON(device, "ecc");
	int k = 1 + (type == NVML_MEMORY_ERROR_TYPE_UNCORRECTED) + 2 * (counter == NVML_AGGREGATE_ECC);
	static const char *kinds[] = {"", "corrected", "uncorrected", "aggregate_corrected", "aggregate_uncorrected"};
	*count = number(knob("gpu.%d.ecc.%s", gpu, kinds[k]), 10 * n + k);
	return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetTemperatureThreshold(nvmlDevice_t device, nvmlTemperatureThresholds_t which, unsigned int *celsius) {
	ON(device, "threshold");
	*celsius = (unsigned int)number(knob("gpu.%d.threshold.%d", gpu, which), 80 + 5 * which + n);
	return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetRetiredPages(nvmlDevice_t device, nvmlPageRetirementCause_t cause, unsigned int *count, unsigned long long *addresses) {
	ON(device, "retired");
	unsigned int pages = (unsigned int)number(knob("gpu.%d.retired.%d", gpu, cause), n + cause), room = *count;
	*count = pages;
	if (room < pages)
		return NVML_ERROR_INSUFFICIENT_SIZE;
	if (addresses)
		memset(addresses, 0, pages * sizeof *addresses);
	return NVML_SUCCESS;
}

// several reads a knob with several numbers.
static void several(const char *v, unsigned int *out, int count) {
	char *end;
	for (; v && count--; v = end)
		*out++ = (unsigned int)strtoul(v, &end, 0);
}

nvmlReturn_t nvmlDeviceGetRemappedRows(nvmlDevice_t device, unsigned int *corrected, unsigned int *uncorrected, unsigned int *pending, unsigned int *failed) {
	ON(device, "rows");
	unsigned int v[4] = {n, n + 1, 0, 0};
	several(knob("gpu.%d.rows", gpu), v, 4);
	*corrected = v[0], *uncorrected = v[1], *pending = v[2], *failed = v[3];
	return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetEncoderStats(nvmlDevice_t device, unsigned int *sessions, unsigned int *rate, unsigned int *latency) {
	ON(device, "encoder.stats");
	unsigned int v[3] = {n, 20 + n, 1000 * n};
	several(knob("gpu.%d.encoder.stats", gpu), v, 3);
	*sessions = v[0], *rate = v[1], *latency = v[2];
	return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetBAR1MemoryInfo(nvmlDevice_t device, nvmlBAR1Memory_t *memory) {
	ON(device, "bar1");
	unsigned int v[2] = {n, 256};
	several(knob("gpu.%d.bar1", gpu), v, 2);
	memory->bar1Used = (unsigned long long)v[0] << 20;
	memory->bar1Total = (unsigned long long)v[1] << 20;
	memory->bar1Free = memory->bar1Total - memory->bar1Used;
	return NVML_SUCCESS;
}

static nvmlReturn_t turning(nvmlDevice_t device, unsigned int fan, unsigned int *percent) {
	ON(device, "fan");
	if (fan >= number(knob("gpu.%d.fans", gpu), n))
		return NVML_ERROR_INVALID_ARGUMENT;
	*percent = (unsigned int)number(knob("gpu.%d.fan.%d", gpu, fan), 30 + 10 * fan + n);
	return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetFanSpeed(nvmlDevice_t device, unsigned int *percent) { return turning(device, 0, percent); }
nvmlReturn_t nvmlDeviceGetFanSpeed_v2(nvmlDevice_t device, unsigned int fan, unsigned int *percent) { return turning(device, fan, percent); }

#ifndef NO_FAN_RPM
nvmlReturn_t nvmlDeviceGetFanSpeedRPM(nvmlDevice_t device, nvmlFanSpeedInfo_t *speed) {
	ON(device, "rpm");
	if (speed->version != nvmlFanSpeedInfo_v1)
		return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
	if (speed->fan >= number(knob("gpu.%d.fans", gpu), n))
		return NVML_ERROR_INVALID_ARGUMENT;
	speed->speed = (unsigned int)number(knob("gpu.%d.rpm.%u", gpu, speed->fan), 1000 + 100 * speed->fan + n);
	return NVML_SUCCESS;
}
#endif

static nvmlReturn_t linked(nvmlDevice_t device, int which, unsigned int *out) {
	ON(device, "link");
	unsigned int v[4] = {n + 1, 4, 8, 16};
	several(knob("gpu.%d.link", gpu), v, 4);
	*out = v[which];
	return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetCurrPcieLinkGeneration(nvmlDevice_t device, unsigned int *v) { return linked(device, 0, v); }
nvmlReturn_t nvmlDeviceGetMaxPcieLinkGeneration(nvmlDevice_t device, unsigned int *v) { return linked(device, 1, v); }
nvmlReturn_t nvmlDeviceGetCurrPcieLinkWidth(nvmlDevice_t device, unsigned int *v) { return linked(device, 2, v); }
nvmlReturn_t nvmlDeviceGetMaxPcieLinkWidth(nvmlDevice_t device, unsigned int *v) { return linked(device, 3, v); }
// Nobody should call it: the real one blocks for 20 ms.
nvmlReturn_t nvmlDeviceGetPcieThroughput(nvmlDevice_t device, nvmlPcieUtilCounter_t counter, unsigned int *value) { ON(device, "throughput"); return NVML_ERROR_UNKNOWN; }
#endif

#ifndef NO_FIELDS
static unsigned long long fieldDefault(unsigned int id, int n) {
	switch (id) {
	case 82:
		return 70 + n;
	case 74 ... 79:
		return (id + n) * 1000000000ULL;
	case 197:
	case 198:
		return id * 1000000ULL + n;
	default:
		return 0;
	}
}

nvmlReturn_t nvmlDeviceGetFieldValues(nvmlDevice_t device, int count, nvmlFieldValue_t *values) {
	ON(device, "fields");
	for (nvmlFieldValue_t *v = values; v < values + count; v++) {
		const char *set = knob("gpu.%d.field.%u", gpu, v->fieldId);
		unsigned long long value = number(set, fieldDefault(v->fieldId, n));
		v->nvmlReturn = set || value || v->fieldId == 230 ? NVML_SUCCESS : NVML_ERROR_NOT_SUPPORTED;
		v->valueType = (nvmlValueType_t)number(knob("gpu.%d.field.%u.type", gpu, v->fieldId), NVML_VALUE_TYPE_UNSIGNED_LONG_LONG);
		v->value.ullVal = value;
	}
	return NVML_SUCCESS;
}
#endif

#ifndef NO_PROCESSES
static nvmlReturn_t listProcesses(nvmlDevice_t device, const char *function, const char *list, unsigned int *count, nvmlProcessInfo_v2_t *out, int stride) {
	int gpu = of(device);
	nvmlReturn_t rc = on(gpu, function, list);
	if (rc)
		return rc;
	const char *v = part(device) < 0 ? knob("gpu.%d.%s", gpu, list) : knob("gpu.%d.mig.%d.%s", gpu, part(device), list);
	if (v && !strcmp(v, "unsupported"))
		return NVML_ERROR_NOT_SUPPORTED;
	unsigned int room = *count, found = 0;
	char *end;
	for (const char *at = v ? v : ""; *at; at = end) {
		unsigned long pid = strtoul(at, &end, 10);
		if (*end != ':')
			break;
		unsigned long long bytes = ~0ULL;
		if (!strncmp(end + 1, "unknown", 7))
			end += 8;
		else
			bytes = strtoull(end + 1, &end, 0);
		if (found++ >= room)
			continue;
		nvmlProcessInfo_v2_t *entry = (nvmlProcessInfo_v2_t *)((char *)out + (found - 1) * stride);
		entry->pid = (unsigned int)pid;
		entry->usedGpuMemory = bytes;
		if (stride > (int)sizeof(nvmlProcessInfo_v1_t))
			entry->gpuInstanceId = entry->computeInstanceId = ~0U;
	}
	const char *claimed = knob("gpu.%d.%s.claimed", gpu, list);
	*count = (unsigned int)number(claimed, found);
	if (claimed && number(knob("gpu.%d.claims.late", gpu), 0))
		return NVML_SUCCESS;
	return *count > room ? NVML_ERROR_INSUFFICIENT_SIZE : NVML_SUCCESS;
}

#define PROCESSES(name, list)                                                                                                                  \
	nvmlReturn_t nvmlDeviceGet##name##RunningProcesses(nvmlDevice_t d, unsigned int *n, nvmlProcessInfo_v1_t *out) {                       \
		return listProcesses(d, __func__, list, n, (nvmlProcessInfo_v2_t *)out, sizeof *out);                                          \
	}
#define PROCESSES_V(name, list, version)                                                                                                       \
	nvmlReturn_t nvmlDeviceGet##name##RunningProcesses_##version(nvmlDevice_t d, unsigned int *n, nvmlProcessInfo_v2_t *out) {             \
		return listProcesses(d, __func__, list, n, out, sizeof *out);                                                                  \
	}
PROCESSES(Compute, "compute")
PROCESSES(Graphics, "graphics")
PROCESSES(MPSCompute, "mps")
#ifndef NO_VERSIONS
PROCESSES_V(Compute, "compute", v2)
PROCESSES_V(Graphics, "graphics", v2)
PROCESSES_V(MPSCompute, "mps", v2)
#ifndef NO_PROCESSES_V3
PROCESSES_V(Compute, "compute", v3)
PROCESSES_V(Graphics, "graphics", v3)
PROCESSES_V(MPSCompute, "mps", v3)
#endif
#endif
#endif

#ifndef NO_PROCESS_UTILIZATION
nvmlReturn_t nvmlDeviceGetProcessUtilization(nvmlDevice_t device, nvmlProcessUtilizationSample_t *out, unsigned int *count, unsigned long long after) {
	ON(device, "process.samples");
	const char *v = knob("gpu.%d.process.samples", gpu);
	if (v && !strcmp(v, "unsupported"))
		return NVML_ERROR_NOT_SUPPORTED;
	unsigned int room = *count, found = 0;
	char *end;
	for (const char *at = v ? v : ""; *at; at = end) {
		unsigned long long field[5];
		for (int i = 0; i < 5; i++, at = end + (*end == ':'))
			field[i] = strtoull(at, &end, 10);
		if (field[0] && field[0] <= after)
			continue;
		if (out && found < room)
			out[found] = (nvmlProcessUtilizationSample_t){
				.timeStamp = field[0], .pid = (unsigned int)field[1], .smUtil = (unsigned int)field[2], .encUtil = (unsigned int)field[3], .decUtil = (unsigned int)field[4]};
		found++;
	}
	if (!found)
		return NVML_ERROR_NOT_FOUND;
	*count = found;
	if (out)
		*count = found + (unsigned int)number(knob("gpu.%d.process.grow", gpu), 0);
	else
		*count = (unsigned int)number(knob("gpu.%d.process.samples.claimed", gpu), found);
	return !out || found > room ? NVML_ERROR_INSUFFICIENT_SIZE : NVML_SUCCESS;
}
#endif

#ifndef NO_MIG
static unsigned int parts(int gpu) { return (unsigned int)number(knob("gpu.%d.mig", gpu), 0); }

nvmlReturn_t nvmlDeviceGetMigMode(nvmlDevice_t device, unsigned int *current, unsigned int *pending) {
	ON(device, "mig");
	*current = *pending = parts(gpu) > 0;
	return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetMaxMigDeviceCount(nvmlDevice_t device, unsigned int *count) {
	ON(device, "mig");
	*count = (unsigned int)number(knob("gpu.%d.mig.max", gpu), 7);
	return NVML_SUCCESS;
}

// The places are sparse, as on real GPUs: every second one is taken.
nvmlReturn_t nvmlDeviceGetMigDeviceHandleByIndex(nvmlDevice_t device, unsigned int index, nvmlDevice_t *mig) {
	ON(device, "mig");
	if (index % 2 || index / 2 >= parts(gpu))
		return NVML_ERROR_NOT_FOUND;
	mig->handle = (struct nvmlDevice_st *)(((long)(index / 2) + 1) << 8 | n);
	return NVML_SUCCESS;
}
#endif

#ifndef NO_GPM
// A sample remembers of whom and when it was taken.
struct nvmlGpmSample_st {
	int gpu, instance;
	struct timespec at;
};

nvmlReturn_t nvmlDeviceGetGpuInstanceId(nvmlDevice_t device, unsigned int *id) {
	ON(device, "instance");
	if (part(device) < 0)
		return NVML_ERROR_NOT_SUPPORTED;
	*id = (unsigned int)number(knob("gpu.%d.mig.%d.instance", gpu, part(device)), 3 + part(device));
	return NVML_SUCCESS;
}

nvmlReturn_t nvmlGpmQueryDeviceSupport(nvmlDevice_t device, nvmlGpmSupport_t *support) {
	ON(device, "gpm.support");
	if (support->version != NVML_GPM_SUPPORT_VERSION)
		return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
	support->isSupportedDevice = number(knob("gpu.%d.gpm", gpu), 1) != 0;
	return NVML_SUCCESS;
}

nvmlReturn_t nvmlGpmSampleAlloc(nvmlGpmSample_t *sample) {
	nvmlReturn_t rc = begin(__func__, -1);
	if (rc)
		return rc;
	sample->handle = calloc(1, sizeof *sample->handle);
	return NVML_SUCCESS;
}

#ifndef NO_GPM_FREE
nvmlReturn_t nvmlGpmSampleFree(nvmlGpmSample_t sample) {
	note(__func__, -1);
	if (!sample.handle)
		return NVML_ERROR_INVALID_ARGUMENT;
	free(sample.handle);
	return NVML_SUCCESS;
}
#endif

nvmlReturn_t nvmlGpmMigSampleGet(nvmlDevice_t device, unsigned int instance, nvmlGpmSample_t sample) {
	ON(device, "gpm.sample");
	sample.handle->gpu = gpu, sample.handle->instance = (int)instance;
	clock_gettime(CLOCK_MONOTONIC, &sample.handle->at);
	return NVML_SUCCESS;
}

nvmlReturn_t nvmlGpmSampleGet(nvmlDevice_t device, nvmlGpmSample_t sample) { return nvmlGpmMigSampleGet(device, 0, sample); }

// Two samples must be of the same GPU or GPU instance, in their order, and more than 100 ms apart.
nvmlReturn_t nvmlGpmMetricsGet(nvmlGpmMetricsGet_t *get) {
	nvmlReturn_t rc = begin(__func__, -1);
	if (rc)
		return rc;
	if (get->version != NVML_GPM_METRICS_GET_VERSION)
		return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
	struct nvmlGpmSample_st *a = get->sample1.handle, *b = get->sample2.handle;
	double seconds = (b->at.tv_sec - a->at.tv_sec) + (b->at.tv_nsec - a->at.tv_nsec) / 1e9;
	if (a->gpu != b->gpu || a->instance != b->instance || seconds < 0.1)
		return NVML_ERROR_INVALID_ARGUMENT;
	for (nvmlGpmMetric_t *m = get->metrics; m < get->metrics + get->numMetrics; m++) {
		const char *v = knob("gpu.%d.gpm.%u", a->gpu, m->metricId);
		m->nvmlReturn = v && !strcmp(v, "none") ? NVML_ERROR_NOT_SUPPORTED : NVML_SUCCESS;
		m->value = v ? strtod(v, NULL) : m->metricId + (a->gpu + 1) / 10.0 + a->instance / 100.0;
	}
	return NVML_SUCCESS;
}
#endif

#ifndef NO_EVENTS
// An event set remembers who is registered, and how far it has told.
struct nvmlEventSet_st {
	unsigned long long told;
	int freed;
	char registered[MAX_GPUS];
};

// nextXID finds the first event after a sequence number; 0 without one.
static unsigned long long nextXID(unsigned long long after, const char *registered, int *gpu, unsigned long long *code) {
	const char *at = knob("xids");
	char *end;
	for (at = at ? at : ""; *at; at = end) {
		unsigned long long sequence = strtoull(at, &end, 10);
		if (*end != ':')
			break;
		int of = (int)strtol(end + 1, &end, 10);
		unsigned long long c = strtoull(end + (*end == ':'), &end, 10);
		if (sequence <= after || (registered && (of < 0 || of >= MAX_GPUS || !registered[of])))
			continue;
		*gpu = of, *code = c;
		return sequence;
	}
	return 0;
}

nvmlReturn_t nvmlEventSetCreate(nvmlEventSet_t *set) {
	nvmlReturn_t rc = begin(__func__, -1);
	if (rc)
		return rc;
	set->handle = calloc(1, sizeof *set->handle);
	if (number(knob("xids.replay"), 0))
		return NVML_SUCCESS;
	int gpu;
	unsigned long long code, sequence;
	while ((sequence = nextXID(set->handle->told, NULL, &gpu, &code)))
		set->handle->told = sequence;
	return NVML_SUCCESS;
}

nvmlReturn_t nvmlEventSetFree(nvmlEventSet_t set) {
	nvmlReturn_t rc = begin(__func__, -1);
	if (rc)
		return rc;
	free(set.handle);
	return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceRegisterEvents(nvmlDevice_t device, unsigned long long types, nvmlEventSet_t set) {
	ON(device, "events");
	if (types != nvmlEventTypeXidCriticalError)
		return NVML_ERROR_NOT_SUPPORTED;
	set.handle->registered[gpu] = 1;
	return NVML_SUCCESS;
}

static long long monotonic(void) {
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

// watchControl returns what becomes readable when the control file is replaced, or -1. As the driver does, a call that waits for an event costs nothing until there is one.
static int watchControl(void) {
	char folder[4096];
	const char *path = getenv("FAKENVML_CONTROL");
	if (!path || snprintf(folder, sizeof folder, "%s", path) >= (int)sizeof folder)
		return -1;
	char *slash = strrchr(folder, '/');
	strcpy(slash ? slash + 1 : folder, slash ? "" : ".");
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (fd >= 0 && inotify_add_watch(fd, folder, IN_MOVED_TO) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

// awaitChange returns when the control file was replaced, or after a time.
static void awaitChange(int changes, long long milliseconds) {
	struct pollfd p = {.fd = changes, .events = POLLIN};
	char events[4096];
	current = 0;
	if (poll(&p, 1, (int)milliseconds) > 0)
		while (read(changes, events, sizeof events) > 0)
			;
}

static nvmlReturn_t await(const char *function, nvmlEventSet_t set, nvmlEventData_t *data, unsigned int milliseconds) {
	nvmlReturn_t rc = begin(function, -1);
	if (rc)
		return rc;
	// Watched before the first look, so that no change between the two is missed.
	int changes = number(knob("xids.never"), 0) ? -1 : watchControl();
	for (long long deadline = monotonic() + milliseconds;;) {
		int gpu;
		unsigned long long code, sequence = nextXID(set.handle->told, set.handle->registered, &gpu, &code);
		if (sequence) {
			memset(data, 0, sizeof *data);
			set.handle->told = sequence;
			data->device.handle = (struct nvmlDevice_st *)(long)(gpu + 1);
			data->eventType = nvmlEventTypeXidCriticalError;
			data->eventData = code;
			close(changes);
			return NVML_SUCCESS;
		}
		long long left = deadline - monotonic();
		if (left <= 0) {
			close(changes);
			return NVML_ERROR_TIMEOUT;
		}
		awaitChange(changes, left);
	}
}

nvmlReturn_t nvmlEventSetWait(nvmlEventSet_t set, nvmlEventData_t *data, unsigned int ms) { return await(__func__, set, data, ms); }
#ifndef NO_VERSIONS
nvmlReturn_t nvmlEventSetWait_v2(nvmlEventSet_t set, nvmlEventData_t *data, unsigned int ms) { return await(__func__, set, data, ms); }
#endif
#endif
