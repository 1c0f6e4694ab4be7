package history

import (
	"time"
)

// instance is one installation of FaceFusion: a queue of jobs, a server that works on one at a
// time, and what that costs.
type instance struct {
	id     string
	index  int
	m      *machine
	gpu    *gpu
	meters meters
	// kinds and steps are those that the pages have.
	kinds []jobKind
	steps map[string][]processing
	// reasons are the pages' reasons of lost runs.
	reasons []string

	waiting []*queuedJob
	running *queuedJob
	// recent are how long the last clicks on Start took.
	recent []float64
	// completed, failed, drafted and orphaned are the files in the jobs folder.
	completed, failed, drafted, orphaned float64
	tidied                               int
	now                                  time.Time
	state                                string
	uptime                               float64
	stalled                              bool
	// share and encoder are of the GPU, cpu in cores, memory in bytes; busy is the share of the
	// step in which there was work.
	share, encoder, cpu, memory, ffmpeg, busy float64
}

type jobKind struct{ media, origin string }

type processing struct{ processors, model string }

func newInstance(m *machine, id string, index int) *instance {
	return &instance{id: id, index: index, m: m, meters: newMeters(), steps: map[string][]processing{}, state: "ready", memory: 1.9e9, uptime: 86400 * 3}
}

func (i *instance) pass(t time.Time, d float64) {
	i.now = t
	i.serve(t, d)
	i.arrive(t, d)
	i.tidy(t)
	i.work(t, d)
	i.consume(t, d)
	i.answer(t, d)
}

// serve decides on the state of the server.
func (i *instance) serve(t time.Time, d float64) {
	before := i.state
	switch {
	case i.m.during(t, Down, i.index):
		i.state = "down"
	case before == "down":
		i.state = "starting" // for one step
		i.uptime = 0
		i.meters.add(1, "facefusion_process_starts_total", "server")
	case i.m.during(t, Saturated, i.index):
		i.state = "saturated"
	default:
		i.state = "ready"
	}
	if i.state == "down" && before != "down" {
		i.meters.add(1, "facefusion_process_exits_total", "server", "killed")
		i.running, i.waiting = nil, nil
	}
	if i.up() {
		i.uptime += d
	}
	i.stalled = i.m.during(t, Stalled, i.index)
}

func (i *instance) up() bool { return i.state != "down" }

// consume adds the CPU time, memory and disk I/O of the step's work.
func (i *instance) consume(t time.Time, d float64) {
	m := i.m
	i.share, i.encoder, i.cpu, i.ffmpeg = 0, 0, 0, 0
	role := "server"
	if i.running != nil && i.running.origin != "ui" {
		role = "runner"
	}
	if i.busy > 0 && !i.stalled {
		i.share = i.busy * (0.82 + 0.12*m.dice.Float64())
		if len(i.waiting) > 8 {
			// Consecutive jobs need not load their models again.
			i.share = i.busy * (0.92 + 0.06*m.dice.Float64())
		}
		i.cpu = i.busy * (1.6 + 0.5*m.dice.Float64())
		if i.running != nil && i.running.media == "video" {
			i.encoder = i.busy * (0.18 + 0.1*m.dice.Float64())
			i.ffmpeg = i.busy * (1.1 + 0.5*m.dice.Float64())
		}
	}
	idle := 0.004
	if !i.up() {
		idle = 0
	}
	for mode, share := range map[string]float64{"user": 0.91, "system": 0.09} {
		i.meters.add(i.cpu*share*d, "process_cpu_time_seconds_total", role, mode)
		i.meters.add(idle*share*d, "process_cpu_time_seconds_total", "server", mode)
		i.meters.add(i.ffmpeg*share*d, "process_cpu_time_seconds_total", "ffmpeg", mode)
	}
	i.meters.add(i.cpu*1.5e6*d*m.about(0.2), "process_disk_io_bytes_total", role, "read")
	i.meters.add(i.cpu*2.5e6*d*m.about(0.2), "process_disk_io_bytes_total", role, "write")
	i.meters.add(i.ffmpeg*6e6*d*m.about(0.2), "process_disk_io_bytes_total", "ffmpeg", "read")
	i.meters.add(i.ffmpeg*4e6*d*m.about(0.2), "process_disk_io_bytes_total", "ffmpeg", "write")
	// Models stay in memory, and onnxruntime gives little back.
	goal := 1.9e9 + 2.4e9*i.busy + 0.25e9*m.load(t)
	i.memory += (goal-i.memory)*min(1, d/240) + 6e6*m.dice.NormFloat64()
	i.cpu += i.ffmpeg + idle
}

func (i *instance) gpuMemory() float64 {
	switch {
	case !i.up():
		return 0
	case i.busy > 0:
		return serverBytes + workBytes*min(1, 0.6+0.4*i.busy)
	default:
		return serverBytes
	}
}

// answer advances the metrics of requests: those of users and those of the agent.
func (i *instance) answer(t time.Time, d float64) {
	m := i.m
	slow := 0.004
	if i.state == "saturated" {
		slow = 2.2
	}
	if i.up() {
		for _, probe := range []rate{{"app", 5}, {"loop", 5}, {"queue", 5}, {"summary", 15}} {
			for range m.often(d / probe.value) {
				i.meters.distribution("facefusion_server_probe_duration_seconds", probe.name).observe(m.lasting(slow, 0.5))
			}
		}
		for _, clicks := range []rate{{"update_job_dataframe", 40}, {"apply", 18}, {"clear", 9}, {"read_logs", 25}, {"stop", 1.5}, {"other", 60}} {
			n := float64(m.often(clicks.value * m.load(t) * d / 3600))
			i.meters.add(n, "facefusion_server_requests_total", clicks.name)
		}
	}
}

// processes returns the number of running processes of a role.
func (i *instance) processes(role string) float64 {
	switch {
	case role == "server" && i.up(), role == "ffmpeg" && i.ffmpeg > 0, role == "runner" && i.running != nil && i.running.origin != "ui":
		return 1
	default:
		return 0
	}
}
