package logstream

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLinesOfOthers(t *testing.T) {
	const ort = "2026-11-25 22:38:00.205976059 "
	for _, c := range []struct {
		line     string
		cause    Cause
		severity Severity
		module   string
	}{
		{ort + "[E:onnxruntime:, sequential_executor.cc:671 ExecuteKernel] Non-zero status code", CauseInference, SeverityError, ModuleEngine},
		{ort + "[W:onnxruntime:Default, device_discovery.cc:211] GPU device discovery failed", "", SeverityWarn, ModuleEngine},
		{ort + "[E:onnxruntime:Default, cuda_call.cc:118 CudaCall] CUDA failure 2: out of memory ; GPU=0 ;", CauseGPUMemory, SeverityError, ModuleEngine},
		{ort + "[E:onnxruntime:Default, cuda_call.cc:118 CudaCall] CUDA failure 700: an illegal memory access was encountered ; GPU=0", CauseCUDAAddress, SeverityError, ModuleEngine},
		{ort + "[E:onnxruntime:Default, cuda_call.cc:118 CudaCall] CUDA failure 719: unspecified launch failure", CauseCUDALaunch, SeverityError, ModuleEngine},
		{ort + "[E:onnxruntime:Default, cuda_call.cc:118 CudaCall] CUDA failure 702: the launch timed out and was terminated", CauseCUDATimeout, SeverityError, ModuleEngine},
		{ort + "[E:onnxruntime:Default, cuda_call.cc:118 CudaCall] CUDA failure 999: unknown error", CauseCUDA, SeverityError, ModuleEngine},
		{ort + "[E:onnxruntime:Default, cuda_call.cc:118 CudaCall] CUDNN failure 5000: CUDNN_STATUS_EXECUTION_FAILED", CauseCUDNN, SeverityError, ModuleEngine},
		{ort + "[E:onnxruntime:, x.cc:1] CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED ; GPU=0", CauseGPUMemory, SeverityError, ModuleEngine},
		{ort + "[E:onnxruntime:, x.cc:1] CUBLAS failure 14: CUBLAS_STATUS_INTERNAL_ERROR", CauseCUBLAS, SeverityError, ModuleEngine},
		{ort + "[E:onnxruntime:, x.cc:1] BFCArena::AllocateRawInternal Available memory of 0 is smaller than requested bytes of 1024", CauseGPUMemory, SeverityError, ModuleEngine},
		{ort + "[E:onnxruntime:Default, provider_bridge_ort.cc:1992] Failed to load library libonnxruntime_providers_cuda.so with error: x", CauseProvider, SeverityError, ModuleEngine},
		{ort + "[W:onnxruntime:Default, x.cc:1] Failed to create CUDAExecutionProvider. Require cuDNN 9.*", CauseProvider, SeverityWarn, ModuleEngine},
		{"EP Error RUNTIME_EXCEPTION when using ['TensorrtExecutionProvider']", CauseProvider, SeverityWarn, ""},
		{"Falling back to ['CUDAExecutionProvider', 'CPUExecutionProvider'] and retrying.", CauseProvider, SeverityWarn, ""},
		{"OSError: [Errno 28] No space left on device: '/tmp/x.png'", CauseDiskFull, SeverityError, ""},
		{"OSError: Cannot find empty port in range: 7860-7959.", CausePort, SeverityError, ""},
		{"numpy._core._exceptions._ArrayMemoryError: Unable to allocate 23.7 MiB", CauseMemory, SeverityError, ""},
		{"INFO:     Uvicorn running on http://127.0.0.1:8000", "", SeverityInfo, ModuleServer},
		{"ERROR:    Exception in ASGI application", "", SeverityError, ModuleServer},
		{"/opt/venv/lib/python3.12/site-packages/gradio/utils.py:1002: UserWarning: Expected 1 arguments", "", SeverityWarn, ModulePython},
		{"* Running on local URL:  http://127.0.0.1:7860", "", SeverityUnknown, ""},
	} {
		r := newRecord(epoch, c.line)
		require.Equal(t, []any{c.cause, c.severity, c.module}, []any{r.Cause, r.Severity, r.Module}, c.line)
	}
}

func TestPlain(t *testing.T) {
	for in, want := range map[string]string{
		"\x1b[1;31m2026 [E:onnxruntime:] x\x1b[m": "2026 [E:onnxruntime:] x",
		"\x1b]0;title\x07text":                    "text",
		"\x1b[?25lhidden\x1b[?25h":                "hidden",
		"none":                                    "none",
	} {
		require.Equal(t, want, string(plain([]byte(in))))
	}
}

func TestEveryCauseHasItsPlace(t *testing.T) {
	for i, c := range Causes {
		require.Equal(t, i, c.Index())
	}
	require.Equal(t, -1, Cause("").Index())
	require.True(t, CauseGPUMemory.Outranks(CauseException))
	require.True(t, CauseException.Outranks(""))
	require.False(t, CauseException.Outranks(CauseGPUMemory))
	require.False(t, Cause("").Outranks(""))
}
