// A libcuda.so.1 without a GPU, with what the kit of test/gpu calls. It checks that it is called as a driver would have to be called, and tells what was asked of it.
//
// Environment:
//   FAKECUDA_LOG   a file to which it appends a line for each allocation ("memory PID BYTES") and each launch ("busy BEGIN END", in microseconds)

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SUCCESS = 0, INVALID_VALUE = 1, NOT_INITIALIZED = 3, NO_CONTEXT = 201, INVALID_PTX = 218, NOT_FOUND = 500 };

static int initialized, current, module, function, pending;

static void note(const char *format, unsigned long long a, unsigned long long b) {
	const char *path = getenv("FAKECUDA_LOG");
	FILE *f = path ? fopen(path, "a") : NULL;
	if (!f)
		return;
	fprintf(f, format, a, b);
	fclose(f);
}

static unsigned long long micros(void) {
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * 1000000ULL + now.tv_nsec / 1000;
}

int cuInit(unsigned flags) { return flags ? INVALID_VALUE : (initialized = 1, SUCCESS); }

int cuDeviceGet(int *device, int ordinal) {
	if (!initialized)
		return NOT_INITIALIZED;
	return ordinal ? 101 : (*device = 7, SUCCESS);
}

int cuCtxCreate_v2(void **context, unsigned flags, int device) {
	if (device != 7 || flags)
		return INVALID_VALUE;
	current = 1;
	return *context = &current, SUCCESS;
}

int cuMemAlloc_v2(uint64_t *pointer, size_t bytes) {
	if (!current)
		return NO_CONTEXT;
	*pointer = 0x7f0000000000;
	note("memory %llu %llu\n", getpid(), bytes);
	return SUCCESS;
}

// The text is what the driver would compile.
int cuModuleLoadData(void **loaded, const void *image) {
	if (!current)
		return NO_CONTEXT;
	if (strncmp(image, ".version 5.0\n.target sm_50\n.address_size 64\n", 44) || !strstr(image, ".visible .entry spin(.param .u64 cycles)"))
		return INVALID_PTX;
	return *loaded = &module, SUCCESS;
}

int cuModuleGetFunction(void **found, void *from, const char *name) {
	if (from != &module || strcmp(name, "spin"))
		return NOT_FOUND;
	return *found = &function, SUCCESS;
}

int cuLaunchKernel(void *f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared, void *stream, void **parameters, void **extra) {
	if (f != &function || !gx || gy != 1 || gz != 1 || !bx || by != 1 || bz != 1 || shared || stream || extra || !parameters)
		return INVALID_VALUE;
	uint64_t cycles;
	memcpy(&cycles, parameters[0], sizeof cycles);
	if (!cycles)
		return INVALID_VALUE;
	pending = 1;
	return SUCCESS;
}

// A kernel takes as long as it took to spin for so many cycles on a GPU of about 1 GHz.
int cuCtxSynchronize(void) {
	if (!pending)
		return INVALID_VALUE;
	pending = 0;
	unsigned long long begin = micros();
	usleep(5000);
	note("busy %llu %llu\n", begin, micros());
	return SUCCESS;
}
