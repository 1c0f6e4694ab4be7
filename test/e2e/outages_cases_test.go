//go:build e2e && outages

package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/host"
	"github.com/otelcol-facefusion/otelcol-facefusion/simulator/jobs"
)

func pageCases() []pageCase {
	return []pageCase{
		{what: "a server that is killed", cause: "FaceFusionServerDown", host: pageHost{
			breaks: func(s *outageHarness) { require.NoError(s, s.server.Kill(syscall.SIGKILL)) },
			mends:  (*outageHarness).serve,
		}},
		{what: "a server that hangs", cause: "FaceFusionServerUnresponsive", host: pageHost{
			breaks: func(s *outageHarness) { require.NoError(s, syscall.Kill(s.server.PID(), syscall.SIGSTOP)) },
			mends:  func(s *outageHarness) { require.NoError(s, syscall.Kill(s.server.PID(), syscall.SIGCONT)) },
		}},
		{what: "a server that says it is ill", cause: "FaceFusionServerUnhealthy", host: illServer()},
		{what: "a host that came back without FaceFusion", cause: "FaceFusionStayedAway", host: pageHost{
			breaks: func(s *outageHarness) {
				s.agent.kill(s.T)
				require.NoError(s, s.server.Kill(syscall.SIGTERM))
				s.agent.start(s.T)
			},
			mends: (*outageHarness).serve,
		}},
		// The job that was lost has to be started again, whoever runs the others.
		{what: "a queue that nobody works on", cause: "FaceFusionGoneWithJobsWaiting", also: byReceiver{"chat": {"FaceFusionJobOrphaned"}}, host: abandonedQueue()},
		{what: "a server that crashes again and again", cause: "FaceFusionCrashLoop", lingers: 30 * time.Minute / faster, host: pageHost{
			breaks: func(s *outageHarness) {
				for range 4 {
					require.NoError(s, s.server.Kill(syscall.SIGSEGV))
					s.serve()
					time.Sleep(time.Minute / faster)
				}
			},
			mends: func(*outageHarness) {},
		}},
		{what: "a disk that is full", cause: "HostDiskFull", host: fullDisk()},
		{what: "a GPU that is lost", cause: "GPULost", host: pageHost{
			gpus:   true,
			breaks: func(s *outageHarness) { s.driver("gpu.1.lost 1") },
			mends:  func(s *outageHarness) { s.driver() },
		}},
		{what: "a GPU that falls off the bus", cause: "GPULost", lingers: 30 * time.Minute / faster, host: pageHost{
			gpus:   true,
			breaks: func(s *outageHarness) { s.driver("gpu.1.lost 1", "xids 1:1:79") },
			mends:  func(s *outageHarness) { time.Sleep(30 * time.Minute / faster); s.driver("xids 1:1:79") },
		}},
		{what: "an XID of the hardware", cause: "GPUXid", lingers: 30 * time.Minute / faster, host: pageHost{
			gpus:   true,
			breaks: func(s *outageHarness) { s.driver("xids 1:0:119") },
			mends:  func(*outageHarness) {},
		}},
		{what: "memory errors of a GPU", cause: "GPUMemoryErrors", lingers: time.Hour / faster, host: pageHost{
			gpus: true,
			// The counters are read every 15 seconds, and the rules wait for a twentieth of a
			// minute.
			breaks: func(s *outageHarness) {
				s.driver("gpu.0.ecc.uncorrected 13")
				s.eventually("they are read", func(p page) bool {
					return p.is(13, "hw_errors_total", "hw_id", firstGPU, "error_type", "uncorrected")
				})
				s.driver("gpu.0.ecc.uncorrected 13", "xids 1:0:48")
			},
			mends: func(*outageHarness) {},
		}},
		{what: "two runners of one job", cause: "FaceFusionJobContended", host: twoRunners()},
		{what: "a CUDA error", cause: "FaceFusionCUDAError", lingers: 30 * time.Minute / faster, host: pageHost{
			files: []string{"../../config/logs.yaml"},
			breaks: func(s *outageHarness) {
				log, err := os.OpenFile(filepath.Join(filepath.Dir(s.h.Logs()), "facefusion-0.log"), os.O_APPEND|os.O_WRONLY, 0)
				require.NoError(s, err)
				_, err = log.WriteString(cudaError)
				require.NoError(s, errors.Join(err, log.Close()))
			},
			mends: func(*outageHarness) {},
		}},
		{what: "jobs that fail", cause: "FaceFusionSuccessBurnFast", lingers: time.Hour / faster, host: pageHost{
			breaks: func(s *outageHarness) {
				for n := range 8 {
					require.NoError(s, failJob(s.h, 0, fmt.Sprintf("ui-2026-11-25-22-00-%02d", 10+n), "no source face detected!"))
					time.Sleep(time.Minute / faster)
				}
			},
			mends: func(*outageHarness) {},
		}},
		{what: "jobs that are late", cause: "FaceFusionTimeBurnFast", lingers: time.Hour / faster, host: lateJobs()},
		{what: "an agent that is away", cause: "FaceFusionAgentDown", host: pageHost{
			breaks: func(s *outageHarness) { s.agent.kill(s.T) },
			mends:  func(s *outageHarness) { s.agent.start(s.T) },
		}},
	}
}

// cudaError is what onnxruntime writes.
const cudaError = "2026-11-25 22:00:09.123456789 [E:onnxruntime:Default, cuda_call.cc:118 CudaCall] CUDA failure 700: an illegal memory access was encountered ; GPU=0 ; hostname=gpu-7 ; expr=cudaStreamSynchronize(stream);\n"

func illServer() pageHost {
	var ill atomic.Bool
	return pageHost{
		config: func(s *outageHarness) string {
			check := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if ill.Load() {
					w.WriteHeader(http.StatusServiceUnavailable)
				}
			}))
			s.Cleanup(check.Close)
			return fmt.Sprintf("receivers: {facefusion: {instances: [{name: studio, path: %s, health: {endpoint: %s, interval: 1s, timeout: 1s}}]}}\n", s.h.Checkout(0), check.URL)
		},
		breaks: func(*outageHarness) { ill.Store(true) },
		mends:  func(*outageHarness) { ill.Store(false) },
	}
}

// queued puts a job into the queue.
func (s *outageHarness) queued(id string) {
	require.NoError(s, s.h.Jobs(0).Create(id, jobs.StepArgs{Target: "clip.mp4", Processors: []string{"face_swapper"}}))
	require.NoError(s, s.h.Jobs(0).Submit(id))
}

func (s *outageHarness) runner(arguments ...string) *host.Proc {
	runner, err := s.h.StartRunner(0, arguments...)
	require.NoError(s, err)
	return runner
}

func abandonedQueue() pageHost {
	var runner *host.Proc
	return pageHost{
		begin: func(s *outageHarness) {
			runner = s.runner("job-run-all")
			require.NoError(s, runner.SetWorking(true))
			// A job that is there before its folder is first seen is history, whose loss is not
			// counted.
			s.eventually("its folder is seen", func(p page) bool {
				return p.is(1, "facefusion_job_folder_state", "facefusion_job_folder_state", "open")
			})
			for n := range 3 {
				s.queued(fmt.Sprintf("nightly-%d", n))
			}
			require.NoError(s, s.h.Jobs(0).Start("nightly-0", 0))
			s.eventually("it works", func(p page) bool { return jobCount(p, "running", 1) && jobCount(p, "waiting", 2) })
		},
		breaks: func(s *outageHarness) {
			require.NoError(s, runner.Kill(syscall.SIGKILL))
			s.eventually("its job is lost", func(p page) bool { return p.is(1, "facefusion_job_finished_total", "facefusion_outcome", "orphaned") })
		},
		mends: func(s *outageHarness) {
			require.NoError(s, s.runner("job-run-all").SetWorking(true))
			for n := 1; n < 3; n++ {
				id := fmt.Sprintf("nightly-%d", n)
				require.NoError(s, s.h.Jobs(0).Start(id, 0))
				time.Sleep(time.Second)
				require.NoError(s, s.h.Jobs(0).CompleteStep(id, 0))
				require.NoError(s, s.h.Jobs(0).Complete(id))
			}
		},
	}
}

func fullDisk() pageHost {
	var disk string
	return pageHost{
		config: func(s *outageHarness) string {
			disk = filepath.Join(s.dir, "disk")
			require.NoError(s, os.Mkdir(disk, 0o755))
			require.NoError(s, syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=16m"))
			s.Cleanup(func() { require.NoError(s, syscall.Unmount(disk, syscall.MNT_DETACH)) })
			return fmt.Sprintf(`
receivers:
  host_metrics: {collection_interval: 1s, scrapers: {filesystem: {include_virtual_filesystems: true, include_mount_points: {match_type: strict, mount_points: [%s]}}}}
service: {pipelines: {metrics: {receivers: [facefusion, host_metrics]}}}
`, disk)
		},
		breaks: func(s *outageHarness) {
			require.NoError(s, os.WriteFile(filepath.Join(disk, "temp.mp4"), make([]byte, 16<<20-4096), 0o644))
		},
		mends: func(s *outageHarness) { require.NoError(s, os.Remove(filepath.Join(disk, "temp.mp4"))) },
	}
}

func twoRunners() pageHost {
	var first, second *host.Proc
	return pageHost{
		begin: func(s *outageHarness) {
			first = s.runner("job-run-all")
			require.NoError(s, first.SetWorking(true))
			s.queued("nightly")
			require.NoError(s, s.h.Jobs(0).Start("nightly", 0))
			s.eventually("it works", func(p page) bool { return jobCount(p, "running", 1) })
		},
		breaks: func(s *outageHarness) {
			second = s.runner("job-run-all")
			require.NoError(s, second.SetWorking(true))
			time.Sleep(2 * time.Second)
			require.NoError(s, s.h.Jobs(0).Start("nightly", 0))
			s.eventually("two at once", func(p page) bool { return p.is(1, "facefusion_job_contended") })
		},
		mends: func(s *outageHarness) {
			require.NoError(s, s.h.Jobs(0).Complete("nightly"))
			require.NoError(s, second.Exit(0))
			require.NoError(s, first.Exit(0))
		},
	}
}

// lateJobs are of images, which take longer than the second that testdata/outages.yaml allows.
func lateJobs() pageHost {
	return pageHost{
		files: []string{"../../config/more-attributes.yaml"},
		breaks: func(s *outageHarness) {
			for n := range 8 {
				id := fmt.Sprintf("ui-2026-11-25-22-00-%02d", 10+n)
				require.NoError(s, s.h.Jobs(0).Create(id, jobs.StepArgs{Target: "face.jpg", Processors: []string{"face_swapper"}}))
				require.NoError(s, s.h.Jobs(0).Submit(id))
				require.NoError(s, s.h.Jobs(0).Start(id, 0))
				time.Sleep(time.Minute / faster)
				require.NoError(s, s.h.Jobs(0).CompleteStep(id, 0))
				require.NoError(s, s.h.Jobs(0).Complete(id))
			}
		},
		mends: func(*outageHarness) {},
	}
}
