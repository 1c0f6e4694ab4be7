package logstream

// Cause is why a run failed, or ran worse than it could, as far as a record shows. The set is
// fixed, so that it may become an attribute of a metric.
type Cause string

// The causes.
const (
	// CauseDeclined: the content filter refused the target. FaceFusion writes no line about it; the
	// finished analysing bar shows.
	CauseDeclined Cause = "declined"
	// CauseStopped: somebody pressed Stop. FaceFusion 3.8 says the same when its encoder ends
	// early.
	CauseStopped Cause = "stopped"
	// CauseGPUMemory: the GPU had no memory left.
	CauseGPUMemory Cause = "gpu_out_of_memory"
	// CauseMemory: the host had none.
	CauseMemory Cause = "out_of_memory"
	// CauseDiskFull: no space was left on a device.
	CauseDiskFull Cause = "disk_full"
	// The errors of CUDA after which the process can no longer use the GPU.
	CauseCUDAAddress Cause = "cuda_illegal_address"
	CauseCUDALaunch  Cause = "cuda_launch_failed"
	CauseCUDATimeout Cause = "cuda_launch_timeout"
	CauseCUDNN       Cause = "cudnn_error"
	CauseCUBLAS      Cause = "cublas_error"
	CauseCUDA        Cause = "cuda_error"
	// CauseModelLoad: a model could not be loaded; FaceFusion 3.4 and later ends its process.
	CauseModelLoad Cause = "model_load_failed"
	// CauseModelInvalid: a model file is missing or not what it should be.
	CauseModelInvalid Cause = "model_invalid"
	// CauseInput: source, target or output were refused.
	CauseInput Cause = "input_rejected"
	// CauseNoFace: the source shows no face.
	CauseNoFace Cause = "no_source_face"
	// CauseDependency: Python or a program that FaceFusion calls is missing or too old.
	CauseDependency Cause = "dependency_missing"
	// CausePort: the web UI found no free port.
	CausePort Cause = "port_unavailable"
	// CauseInference: onnxruntime failed for another reason.
	CauseInference Cause = "inference_error"
	// CauseException: a Python exception that is none of the above.
	CauseException Cause = "exception"
	// CauseFrames: frames could not be extracted, or none were found.
	CauseFrames Cause = "frames_failed"
	// CauseMerge: the video could not be merged.
	CauseMerge Cause = "merge_failed"
	// CauseOutput: there is no output, and nothing says why.
	CauseOutput Cause = "output_failed"
	// CauseProvider: an execution provider could not be used, and onnxruntime fell back to another,
	// usually the CPU. The run goes on.
	CauseProvider Cause = "provider_fallback"
)

// Causes are all of them, the most specific first: of two causes of one run, the one that stands
// earlier explains the other.
var Causes = [...]Cause{
	CauseGPUMemory, CauseMemory, CauseDiskFull, CauseCUDAAddress, CauseCUDALaunch, CauseCUDATimeout, CauseCUDNN, CauseCUBLAS, CauseCUDA,
	CauseModelLoad, CauseModelInvalid, CauseDependency, CausePort, CauseNoFace, CauseInput, CauseDeclined, CauseStopped,
	CauseInference, CauseException, CauseFrames, CauseMerge, CauseOutput, CauseProvider,
}

// consequence says that a cause may be no more than what another one led to.
func (c Cause) consequence() bool {
	switch c {
	case CauseInference, CauseException, CauseFrames, CauseMerge, CauseOutput:
		return true
	default:
		return false
	}
}

// Index is the place in Causes, -1 for none.
func (c Cause) Index() int {
	for i := range Causes {
		if Causes[i] == c {
			return i
		}
	}
	return -1
}

// Outranks says that c explains more than other does.
func (c Cause) Outranks(other Cause) bool {
	return c != "" && (other == "" || c.Index() < other.Index())
}
