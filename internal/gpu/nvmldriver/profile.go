//go:build linux && cgo

package nvmldriver

import (
	"slices"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// profileMetrics are the numbers of nvml.h. Those of further engines follow that of the first.
var profileMetrics = func() (m []profileMetric) {
	for q, id := range map[gpu.ProfileQuantity]nvml.GpmMetricId{
		gpu.ProfileGraphics:          nvml.GPM_METRIC_GRAPHICS_UTIL,
		gpu.ProfileSM:                nvml.GPM_METRIC_SM_UTIL,
		gpu.ProfileOccupancy:         nvml.GPM_METRIC_SM_OCCUPANCY,
		gpu.ProfileTensor:            nvml.GPM_METRIC_ANY_TENSOR_UTIL,
		gpu.ProfileFP64:              nvml.GPM_METRIC_FP64_UTIL,
		gpu.ProfileFP32:              nvml.GPM_METRIC_FP32_UTIL,
		gpu.ProfileFP16:              nvml.GPM_METRIC_FP16_UTIL,
		gpu.ProfileInteger:           nvml.GPM_METRIC_INTEGER_UTIL,
		gpu.ProfileMemoryBandwidth:   nvml.GPM_METRIC_DRAM_BW_UTIL,
		gpu.ProfilePCIeTransmitted:   nvml.GPM_METRIC_PCIE_TX_PER_SEC,
		gpu.ProfilePCIeReceived:      nvml.GPM_METRIC_PCIE_RX_PER_SEC,
		gpu.ProfileNVLinkTransmitted: nvml.GPM_METRIC_NVLINK_TOTAL_TX_PER_SEC,
		gpu.ProfileNVLinkReceived:    nvml.GPM_METRIC_NVLINK_TOTAL_RX_PER_SEC,
	} {
		m = append(m, profileMetric{q, id})
	}
	engines := func(q gpu.ProfileQuantity, first nvml.GpmMetricId, count int) {
		for i := range count {
			m = append(m, profileMetric{q + gpu.ProfileQuantity(i), first + nvml.GpmMetricId(i)})
		}
	}
	engines(gpu.ProfileDecoder, nvml.GPM_METRIC_NVDEC_0_UTIL, gpu.ProfileDecoders)
	engines(gpu.ProfileJPEG, nvml.GPM_METRIC_NVJPG_0_UTIL, gpu.ProfileJPEGs)
	engines(gpu.ProfileOFA, nvml.GPM_METRIC_NVOFA_0_UTIL, gpu.ProfileOFAs)
	return m
}()

type profileMetric struct {
	quantity gpu.ProfileQuantity
	id       nvml.GpmMetricId
}

// profileGap is how far apart two samples must be (nvml.h, nvmlGpmSampleGet: "greater than 100ms").
const profileGap = 110 * time.Millisecond

// wholeGPU stands for the whole GPU where a GPU instance is expected.
const wholeGPU = -1

// profiled is a GPU, or a GPU instance of it.
type profiled struct {
	uuid     string
	instance int
}

// profiler holds two samples of one GPU or GPU instance: the previous and the next. Only the GPU's
// worker uses it. The session owns the profilers, because handles are not closed, so nothing could
// be freed with them.
type profiler struct {
	samples []nvml.GpmSample
	// taken is when samples[0] was taken through the handle of. A new handle discards it.
	taken time.Time
	of    *handle
	// last is the result, deliveredTo the handles that have received it: MIG devices may share a
	// GPU instance.
	last        gpu.ProfileSample
	deliveredTo []string
	// supported means that the GPU supports GPM.
	supported bool
	request   nvml.GpmMetricsGetType
}

// Profile implements gpu.Handle.
func (h *handle) Profile() (gpu.ProfileSample, error) {
	whole, instance := h, wholeGPU
	if h.parent != nil {
		id, err := h.instance()
		if err != nil {
			return gpu.ProfileSample{}, err
		}
		whole, instance = h.parent, id
	}
	p := h.profilers.of(profiled{whole.uuid, instance})
	if err := p.prepare(whole); err != nil {
		return gpu.ProfileSample{}, err
	}
	if now := time.Now(); now.Sub(p.taken) >= profileGap {
		if err := p.measure(whole, instance, now); err != nil {
			return gpu.ProfileSample{}, err
		}
	}
	if p.last.Elapsed == 0 || slices.Contains(p.deliveredTo, h.uuid) {
		return gpu.ProfileSample{}, gpu.ErrNotFound
	}
	p.deliveredTo = append(p.deliveredTo, h.uuid)
	return p.last, nil
}

// measure takes a sample and compares it with the previous one, if there is one.
func (p *profiler) measure(h *handle, instance int, now time.Time) error {
	p.last, p.deliveredTo = gpu.ProfileSample{}, p.deliveredTo[:0]
	if err := h.sample(instance, p.samples[1]); err != nil {
		return err
	}
	p.samples[0], p.samples[1] = p.samples[1], p.samples[0]
	before, first := p.taken, p.of != h
	p.taken, p.of = now, h
	if first {
		return nil
	}
	values, err := h.compare(p)
	if err == nil {
		p.last = gpu.ProfileSample{Elapsed: now.Sub(before), Values: values}
	}
	return err
}

// prepare checks that the GPU supports GPM, and allocates the two samples.
func (p *profiler) prepare(h *handle) error {
	if !p.supported {
		if !h.gpm.due() {
			return gpu.ErrNotSupported
		}
		supported, err := h.profiles()
		if err != nil {
			return err
		}
		if !supported {
			h.gpm.refuse()
			return gpu.ErrNotSupported
		}
		p.supported = true
	}
	for len(p.samples) < 2 {
		sample, err := h.newSample()
		if err != nil {
			return err
		}
		p.samples = append(p.samples, sample)
	}
	return nil
}

// profiles reports whether a GPU supports GPM.
func (h *handle) profiles() (bool, error) {
	if err := h.may("GpmQueryDeviceSupport"); err != nil {
		return false, err
	}
	support, code := h.device.GpmQueryDeviceSupport()
	return support.IsSupportedDevice != 0, failure("GpmQueryDeviceSupport", code)
}

// instance returns the number of the GPU instance of a MIG device.
func (h *handle) instance() (int, error) {
	if err := h.may("GetGpuInstanceId"); err != nil {
		return 0, err
	}
	id, code := h.device.GetGpuInstanceId()
	return id, failure("GetGpuInstanceId", code)
}

func (h *handle) sample(instance int, into nvml.GpmSample) error {
	if instance != wholeGPU {
		return h.instanceSample(instance, into)
	}
	if err := h.may("GpmSampleGet"); err != nil {
		return err
	}
	code := h.device.GpmSampleGet(into)
	return failure("GpmSampleGet", code)
}

func (h *handle) instanceSample(instance int, into nvml.GpmSample) error {
	if err := h.may("GpmMigSampleGet"); err != nil {
		return err
	}
	code := h.device.GpmMigSampleGet(instance, into)
	return failure("GpmMigSampleGet", code)
}

// compare computes the quantities between the two samples.
func (h *handle) compare(p *profiler) (values [len(gpu.ProfileSample{}.Values)]reading.Value[float64], err error) {
	if err := h.may("GpmMetricsGet"); err != nil {
		return values, err
	}
	p.request.NumMetrics, p.request.Sample1, p.request.Sample2 = uint32(len(profileMetrics)), p.samples[1], p.samples[0]
	for i, m := range profileMetrics {
		p.request.Metrics[i] = nvml.GpmMetric{MetricId: uint32(m.id)}
	}
	code := h.api.GpmMetricsGet(&p.request)
	if err := failure("GpmMetricsGet", code); err != nil {
		return values, err
	}
	for i, m := range profileMetrics {
		if answer := &p.request.Metrics[i]; failure("GpmMetricsGet", nvml.Return(answer.NvmlReturn)) == nil {
			values[m.quantity] = reading.Known(answer.Value)
		}
	}
	return values, nil
}
