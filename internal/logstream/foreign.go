package logstream

import (
	"bytes"
	"regexp"
)

// scope is the prefix of FaceFusion's own messages: [FACEFUSION.CORE].
var scope = regexp.MustCompile(`^\[(FACEFUSION(?:\.[A-Z0-9_]+)+)\] ?`)

const scopeStart = "[FACEFUSION."

// The lines of others.
var (
	// 2026-11-25 22:38:00.205976059 [E:onnxruntime:, sequential_executor.cc:671 ExecuteKernel]
	// Non-zero status code …
	engine = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:.]+ \[([VIWEF]):onnxruntime:[^\]]*\]`)
	// INFO:     Uvicorn running on http://127.0.0.1:8000
	leveled = regexp.MustCompile(`^(DEBUG|INFO|WARNING|ERROR|CRITICAL):\s`)
	// /…/gradio/utils.py:1002: UserWarning: …
	warning = regexp.MustCompile(`^\S.*\.py:[0-9]+: [A-Za-z.]*Warning: `)
)

// The modules that are not FaceFusion's own.
const (
	ModuleEngine = "onnxruntime"
	ModulePython = "python"
	ModuleServer = "uvicorn"
)

var levels = map[string]Severity{
	"V": SeverityDebug, "I": SeverityInfo, "W": SeverityWarn, "E": SeverityError, "F": SeverityFatal,
	"DEBUG": SeverityDebug, "INFO": SeverityInfo, "WARNING": SeverityWarn, "ERROR": SeverityError, "CRITICAL": SeverityFatal,
}

// symptom is a text by which an error is known, whoever writes it: onnxruntime, CUDA, PyTorch or
// Python.
type symptom struct {
	cause   Cause
	pattern *regexp.Regexp
}

// symptoms are looked for in this order.
var symptoms = []symptom{
	{CauseProvider, regexp.MustCompile(`Failed to (?:load library|create) \S*(?:ExecutionProvider|onnxruntime_providers_)\S*|^EP Error |^Falling back to .* and retrying|is not in available provider names`)},
	{CauseGPUMemory, regexp.MustCompile(`(?i)CUDA out of memory|CUBLAS_STATUS_ALLOC_FAILED|CUDNN_STATUS_ALLOC_FAILED|CUDA (?:failure|error) 2\b|cudaErrorMemoryAllocation|BFCArena::AllocateRawInternal|Failed to allocate memory for requested buffer of size|HIP out of memory|CUDA error: out of memory`)},
	{CauseDiskFull, regexp.MustCompile(`\[Errno 28\]|No space left on device`)},
	{CauseMemory, regexp.MustCompile(`\bMemoryError\b|std::bad_alloc|\[Errno 12\]|Cannot allocate memory|ArrayMemoryError`)},
	{CauseCUDAAddress, regexp.MustCompile(`CUDA (?:failure|error) 700\b|illegal memory access`)},
	{CauseCUDALaunch, regexp.MustCompile(`CUDA (?:failure|error) 719\b|unspecified launch failure`)},
	{CauseCUDATimeout, regexp.MustCompile(`CUDA (?:failure|error) 702\b|the launch timed out`)},
	{CauseCUDNN, regexp.MustCompile(`CUDNN_STATUS_[A-Z_]+|CUDNN failure`)},
	{CauseCUBLAS, regexp.MustCompile(`CUBLAS_STATUS_[A-Z_]+|CUBLAS failure`)},
	{CauseCUDA, regexp.MustCompile(`CUDA (?:failure|error)`)},
	{CausePort, regexp.MustCompile(`Cannot find empty port in range`)},
}

// symptomOf is the cause that a text of others shows, if any.
func symptomOf(text string) Cause {
	for i := range symptoms {
		if symptoms[i].pattern.MatchString(text) {
			return symptoms[i].cause
		}
	}
	return ""
}

// understandForeign fills in what a line of others means.
func (r *Record) understandForeign(text string) {
	r.Cause = symptomOf(text)
	switch {
	case engine.MatchString(text):
		r.Module, r.Severity = ModuleEngine, levels[engine.FindStringSubmatch(text)[1]]
		if r.Cause == "" && r.Severity >= SeverityError {
			r.Cause = CauseInference
		}
	case leveled.MatchString(text):
		r.Module, r.Severity = ModuleServer, levels[leveled.FindStringSubmatch(text)[1]]
	case warning.MatchString(text):
		r.Module, r.Severity = ModulePython, SeverityWarn
	}
	switch {
	case r.Cause == CauseProvider:
		r.Severity = max(r.Severity, SeverityWarn)
		r.Event = EventName(CauseProvider)
	case r.Cause != "":
		r.Severity = max(r.Severity, SeverityError)
		r.Event = EventName(r.Cause)
	}
}

// plain removes the colours that onnxruntime 1.28 writes also where there is no terminal, and other
// control sequences.
func plain(text []byte) []byte {
	if bytes.IndexByte(text, 0x1b) < 0 {
		return text
	}
	return control.ReplaceAll(text, nil)
}

var control = regexp.MustCompile("\x1b(?:\\[[0-9;?]*[ -/]*[@-~]|\\][^\x07\x1b]*(?:\x07|\x1b\\\\)|[@-Z\\\\^_])")
