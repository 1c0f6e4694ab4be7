package gputest

import (
	"maps"
	"slices"
	"sync"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
)

// Call names a call on a GPU, for errors and counts. Calls about a task have a name for each task,
// see Of.
type Call string

// The calls.
const (
	CallHandle      Call = "handle"
	CallIdentity    Call = "identity"
	CallUtilization Call = "utilization"
	CallSamples     Call = "samples"
	CallMemory      Call = "memory"
	CallTemperature Call = "temperature"
	CallPower       Call = "power"
	CallEnergy      Call = "energy"
	CallNumber      Call = "number"
	CallRows        Call = "rows"
	CallEncoder     Call = "encoder"
	CallBAR1        Call = "bar1"
	CallFan         Call = "fan"
	CallContexts    Call = "contexts"
	CallProcesses   Call = "process samples"
	CallProfile     Call = "profile"
	CallMIG         Call = "mig"
	CallRegister    Call = "register"
)

// Of returns the name of the call for a task.
func (c Call) Of(t gpu.Task) Call { return taskCalls[c][t] }

// taskCalls are created once, so that benchmarks do not measure their creation.
var taskCalls = map[Call]map[gpu.Task]Call{CallUtilization: byTask(CallUtilization), CallSamples: byTask(CallSamples)}

func byTask(c Call) map[gpu.Task]Call {
	calls := make(map[gpu.Task]Call)
	for _, t := range []gpu.Task{gpu.TaskGeneral, gpu.TaskEncoder, gpu.TaskDecoder} {
		calls[t] = c + "/" + Call(t)
	}
	return calls
}

// Script holds the answers of the driver.
type Script struct {
	OpenErr  error
	CountErr error
	Versions gpu.Versions
	GPUs     []*GPU
	// Count is the number of GPUs that the driver reports, if it is higher than that of GPUs.
	Count int
	// OpenBlock makes Open wait until it is closed.
	OpenBlock chan struct{}
	// Events means that the driver has event sets, see Driver.XID.
	Events bool
	// EventsErr makes the creation of event sets fail, WaitErr waiting for them.
	EventsErr, WaitErr error
}

// GPU is the script of one GPU.
type GPU struct {
	Identity    gpu.Identity
	Memory      gpu.Memory
	Temperature int
	Power       uint32
	Energy      uint64
	Utilization map[gpu.Task]uint32
	// Samples is the sample buffer. Without an entry for a task, the GPU has no buffer for it.
	Samples map[gpu.Task][]gpu.Sample
	// Numbers are the single readings. Without an entry, the GPU does not have it.
	Numbers map[gpu.Quantity]uint64
	// Bits is the width of single readings; 64 without an entry.
	Bits map[gpu.Quantity]int
	// The readings below are not supported while they are nil.
	Rows    *gpu.Rows
	Encoder *gpu.Encoder
	BAR1    *gpu.Memory
	Fans    []gpu.FanSpeed
	// FanErrs makes the calls about single fans fail.
	FanErrs map[int]error
	// Contexts of processes, and their samples. Only samples that are newer than the requested
	// timestamp are returned.
	Contexts       []gpu.Context
	ProcessSamples []gpu.ProcessSample
	// Profile is returned by each call except the first; not supported while it is nil.
	Profile *gpu.ProfileSample
	// MIG means that MIG mode is on; MIGDevices imply it.
	MIG        bool
	MIGDevices []*GPU
	// MIGClaimed is the highest number of MIG devices that the driver reports.
	MIGClaimed int
	// Err makes all calls fail, Errs single ones.
	Err  error
	Errs map[Call]error
	// Block makes calls wait until it is closed: all calls, or BlockCall.
	Block     chan struct{}
	BlockCall Call

	calls   map[Call]int
	current int
	most    int
}

// Driver is a scripted gpu.Driver.
type Driver struct {
	mu     sync.Mutex
	script Script
	opened int
	closed int
	opens  int
	events map[*events]bool
}

// New creates a driver with these GPUs.
func New(gpus ...*GPU) *Driver {
	return &Driver{script: Script{GPUs: gpus, Versions: gpu.Versions{Driver: "570.124.06", NVML: "12.570.124.06", CUDA: "12.8"}}}
}

// Change calls f with the script, under the driver's lock. f may change the script and its GPUs.
func (d *Driver) Change(f func(*Script)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f(&d.script)
}

// Opens returns how often Open was called.
func (d *Driver) Opens() int { return d.locked(func() int { return d.opens }) }

// Opened returns how often Open succeeded.
func (d *Driver) Opened() int { return d.locked(func() int { return d.opened }) }

// Closed returns how often a session was closed.
func (d *Driver) Closed() int { return d.locked(func() int { return d.closed }) }

// Calls returns how often a call was made to a GPU.
func (d *Driver) Calls(g *GPU, c Call) int { return d.locked(func() int { return g.calls[c] }) }

// MostConcurrent returns the highest number of concurrent calls to a GPU.
func (d *Driver) MostConcurrent(g *GPU) int { return d.locked(func() int { return g.most }) }

func (d *Driver) locked(f func() int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return f()
}

// Open implements gpu.Driver.
func (d *Driver) Open() (gpu.Session, error) {
	d.mu.Lock()
	d.opens++
	block := d.script.OpenBlock
	d.mu.Unlock()
	if block != nil {
		<-block
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.script.OpenErr != nil {
		return nil, d.script.OpenErr
	}
	d.opened++
	return &session{driver: d}, nil
}

type session struct{ driver *Driver }

func (s *session) Versions() gpu.Versions {
	s.driver.mu.Lock()
	defer s.driver.mu.Unlock()
	return s.driver.script.Versions
}

func (s *session) Count() (int, error) {
	s.driver.mu.Lock()
	defer s.driver.mu.Unlock()
	return max(s.driver.script.Count, len(s.driver.script.GPUs)), s.driver.script.CountErr
}

func (s *session) Handle(index int) (gpu.Handle, error) {
	s.driver.mu.Lock()
	gpus := s.driver.script.GPUs
	s.driver.mu.Unlock()
	if index >= len(gpus) {
		return nil, gpu.ErrNotFound
	}
	h := &handle{driver: s.driver, gpu: gpus[index]}
	_, err := answer(h, CallHandle, func(*GPU) int { return 0 })
	return h, err
}

func (s *session) Close() error {
	s.driver.mu.Lock()
	defer s.driver.mu.Unlock()
	s.driver.closed++
	return nil
}

type handle struct {
	driver *Driver
	gpu    *GPU
}

// answer makes one call on a GPU: counts it, waits if it is to block, and fails if it is to fail.
func answer[T any](h *handle, c Call, value func(*GPU) T) (T, error) {
	h.driver.mu.Lock()
	defer h.driver.mu.Unlock()
	g := h.gpu
	if g.calls == nil {
		g.calls = make(map[Call]int)
	}
	g.calls[c]++
	g.current++
	g.most = max(g.most, g.current)
	defer func() { g.current-- }()
	if block := g.Block; block != nil && (g.BlockCall == "" || g.BlockCall == c) {
		h.driver.mu.Unlock()
		<-block
		h.driver.mu.Lock()
	}
	var none T
	if g.Err != nil {
		return none, g.Err
	}
	if err := g.Errs[c]; err != nil {
		return none, err
	}
	return value(g), nil
}

func (h *handle) Identity() (gpu.Identity, error) {
	return answer(h, CallIdentity, func(g *GPU) gpu.Identity { return g.Identity })
}

func (h *handle) Memory() (gpu.Memory, error) {
	return answer(h, CallMemory, func(g *GPU) gpu.Memory { return g.Memory })
}

func (h *handle) Temperature() (int, error) {
	return answer(h, CallTemperature, func(g *GPU) int { return g.Temperature })
}

func (h *handle) Power() (uint32, error) {
	return answer(h, CallPower, func(g *GPU) uint32 { return g.Power })
}

func (h *handle) Energy() (uint64, error) {
	return answer(h, CallEnergy, func(g *GPU) uint64 { return g.Energy })
}

func (h *handle) Utilization(t gpu.Task) (uint32, error) {
	type rate struct {
		percent uint32
		has     bool
	}
	r, err := answer(h, CallUtilization.Of(t), func(g *GPU) rate {
		percent, has := g.Utilization[t]
		return rate{percent, has}
	})
	if err == nil && !r.has {
		err = gpu.ErrNotSupported
	}
	return r.percent, err
}

func (h *handle) Samples(t gpu.Task, after uint64) ([]gpu.Sample, error) {
	samples, err := answer(h, CallSamples.Of(t), func(g *GPU) map[gpu.Task][]gpu.Sample { return maps.Clone(g.Samples) })
	if err != nil {
		return nil, err
	}
	buffer, has := samples[t]
	if !has {
		return nil, gpu.ErrNotSupported
	}
	var fresh []gpu.Sample
	for _, s := range buffer {
		// The real driver also returns entries that it never filled.
		if s.Timestamp > after || s.Timestamp == 0 {
			fresh = append(fresh, s)
		}
	}
	if len(fresh) == 0 {
		return nil, gpu.ErrNotFound
	}
	return fresh, nil
}

// supported returns the value of a pointer, or gpu.ErrNotSupported for nil.
func supported[T any](h *handle, c Call, value func(*GPU) *T) (T, error) {
	v, err := answer(h, c, value)
	if err != nil || v == nil {
		var none T
		if err == nil {
			err = gpu.ErrNotSupported
		}
		return none, err
	}
	return *v, nil
}

func (h *handle) Number(q gpu.Quantity) (gpu.Number, error) {
	return supported(h, CallNumber, func(g *GPU) *gpu.Number {
		if v, has := g.Numbers[q]; has {
			return &gpu.Number{Value: v, Bits: g.Bits[q]}
		}
		return nil
	})
}

func (h *handle) Rows() (gpu.Rows, error) {
	return supported(h, CallRows, func(g *GPU) *gpu.Rows { return g.Rows })
}

func (h *handle) Encoder() (gpu.Encoder, error) {
	return supported(h, CallEncoder, func(g *GPU) *gpu.Encoder { return g.Encoder })
}

func (h *handle) BAR1() (gpu.Memory, error) {
	return supported(h, CallBAR1, func(g *GPU) *gpu.Memory { return g.BAR1 })
}

func (h *handle) Fan(number int) (gpu.FanSpeed, error) {
	var failed error
	speed, err := supported(h, CallFan, func(g *GPU) *gpu.FanSpeed {
		failed = g.FanErrs[number]
		if number >= len(g.Fans) {
			return nil
		}
		return &g.Fans[number]
	})
	if failed != nil {
		return gpu.FanSpeed{}, failed
	}
	return speed, err
}

func (h *handle) Contexts() ([]gpu.Context, error) {
	return supported(h, CallContexts, func(g *GPU) *[]gpu.Context {
		if g.Contexts == nil {
			return nil
		}
		list := slices.Clone(g.Contexts)
		return &list
	})
}

func (h *handle) ProcessSamples(after uint64) ([]gpu.ProcessSample, error) {
	samples, err := supported(h, CallProcesses, func(g *GPU) *[]gpu.ProcessSample {
		if g.ProcessSamples == nil {
			return nil
		}
		var fresh []gpu.ProcessSample
		for _, s := range g.ProcessSamples {
			if s.Timestamp > after || s.Timestamp == 0 {
				fresh = append(fresh, s)
			}
		}
		return &fresh
	})
	if err == nil && len(samples) == 0 {
		return nil, gpu.ErrNotFound
	}
	return samples, err
}

func (h *handle) Profile() (gpu.ProfileSample, error) {
	sample, err := supported(h, CallProfile, func(g *GPU) *gpu.ProfileSample { return g.Profile })
	if err == nil && h.driver.Calls(h.gpu, CallProfile) == 1 {
		err = gpu.ErrNotFound
	}
	return sample, err
}

func (h *handle) MIG() (gpu.MIG, error) {
	var mig gpu.MIG
	devices, err := answer(h, CallMIG, func(g *GPU) []*GPU {
		mig.Enabled = g.MIG || len(g.MIGDevices) > 0
		return g.MIGDevices
	})
	mig.Claimed = h.gpu.MIGClaimed
	for _, device := range devices {
		mig.Devices = append(mig.Devices, &handle{driver: h.driver, gpu: device})
	}
	return mig, err
}
