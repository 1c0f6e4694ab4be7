//go:build linux && cgo

package main

/*
#cgo LDFLAGS: -ldl
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef int (*fInit)(unsigned);
typedef int (*fDeviceGet)(int *, int);
typedef int (*fCtxCreate)(void **, unsigned, int);
typedef int (*fMemAlloc)(uint64_t *, size_t);
typedef int (*fModuleLoad)(void **, const void *);
typedef int (*fGetFunction)(void **, void *, const char *);
typedef int (*fLaunch)(void *, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void *, void **, void **);
typedef int (*fSynchronize)(void);

static void *cuda, *spin;

// find is the newest form of a function, or the first.
static void *find(const char *newer, const char *older) {
	void *f = newer ? dlsym(cuda, newer) : 0;
	return f ? f : dlsym(cuda, older);
}

// -1: there is no libcuda. Other codes are those of CUDA.
static int cudaOpen(int device, size_t bytes, const char *program) {
	if (!(cuda = dlopen("libcuda.so.1", RTLD_NOW)))
		return -1;
	fInit init = (fInit)find(0, "cuInit");
	fDeviceGet get = (fDeviceGet)find(0, "cuDeviceGet");
	fCtxCreate create = (fCtxCreate)find("cuCtxCreate_v2", "cuCtxCreate");
	fMemAlloc allocate = (fMemAlloc)find("cuMemAlloc_v2", "cuMemAlloc");
	fModuleLoad load = (fModuleLoad)find(0, "cuModuleLoadData");
	fGetFunction function = (fGetFunction)find(0, "cuModuleGetFunction");
	if (!init || !get || !create || !allocate || !load || !function)
		return -2;
	int code, ordinal;
	void *context, *module;
	uint64_t memory;
	if ((code = init(0)) || (code = get(&ordinal, device)) || (code = create(&context, 0, ordinal)))
		return code;
	if (bytes && (code = allocate(&memory, bytes)))
		return code;
	if ((code = load(&module, program)))
		return code;
	return function(&spin, module, "spin");
}

// cudaSpin keeps every multiprocessor busy for so many cycles.
static int cudaSpin(uint64_t cycles) {
	fLaunch launch = (fLaunch)find(0, "cuLaunchKernel");
	fSynchronize synchronize = (fSynchronize)find(0, "cuCtxSynchronize");
	if (!launch || !synchronize)
		return -2;
	void *parameters[] = {&cycles};
	int code = launch(spin, 1024, 1, 1, 128, 1, 1, 0, 0, parameters, 0);
	return code ? code : synchronize();
}
*/
import "C"

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"
	"unsafe"
)

// spinProgram is a kernel that does nothing for a number of cycles. The clock cannot be optimized
// away.
const spinProgram = `.version 5.0
.target sm_50
.address_size 64
.visible .entry spin(.param .u64 cycles)
{
	.reg .pred %p;
	.reg .u64 %rd<5>;
	ld.param.u64 %rd1, [cycles];
	mov.u64 %rd2, %clock64;
again:
	mov.u64 %rd3, %clock64;
	sub.u64 %rd4, %rd3, %rd2;
	setp.lt.u64 %p, %rd4, %rd1;
	@%p bra again;
	ret;
}
`

var errNoCUDA = errors.New("no libcuda.so.1")

// hold is a process of its own: it takes memory on the first GPU, says so, and computes for so many
// seconds each time that it reads a line.
func hold(megabytes string) error {
	size, err := strconv.Atoi(megabytes)
	if err != nil {
		return fmt.Errorf("hold: %w", err)
	}
	program := C.CString(spinProgram)
	defer C.free(unsafe.Pointer(program))
	switch code := C.cudaOpen(0, C.size_t(size<<20), program); code {
	case 0:
	case -1:
		return errNoCUDA
	default:
		return fmt.Errorf("cuda error %d", int(code))
	}
	fmt.Println("ready", os.Getpid())
	for {
		var seconds float64
		if _, err := fmt.Scanln(&seconds); err != nil {
			return nil // the input has ended
		}
		for begin := time.Now(); time.Since(begin).Seconds() < seconds; {
			if code := C.cudaSpin(5_000_000); code != 0 {
				return fmt.Errorf("cuda error %d", int(code))
			}
		}
		fmt.Println("done")
	}
}
