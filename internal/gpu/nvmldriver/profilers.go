//go:build linux && cgo

package nvmldriver

import (
	"errors"
	"sync"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

// profilers holds the profilers of a session. It is safe for concurrent use by the workers.
type profilers struct {
	mu sync.Mutex
	by map[profiled]*profiler
}

func (p *profilers) of(what profiled) *profiler {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.by == nil {
		p.by = make(map[profiled]*profiler)
	}
	if p.by[what] == nil {
		p.by[what] = &profiler{}
	}
	return p.by[what]
}

// newSample allocates a sample, which is freed when the session is closed.
func (s *session) newSample() (nvml.GpmSample, error) {
	if err := s.may("GpmSampleFree"); err != nil {
		return nil, err
	}
	if err := s.may("GpmSampleAlloc"); err != nil {
		return nil, err
	}
	sample, code := s.api.GpmSampleAlloc()
	return sample, failure("GpmSampleAlloc", code)
}

// freeSamples frees all samples. It is called when no other call is under way.
func (s *session) freeSamples() (err error) {
	s.profilers.mu.Lock()
	defer s.profilers.mu.Unlock()
	for _, p := range s.profilers.by {
		for _, sample := range p.samples {
			err = errors.Join(err, s.freeSample(sample))
		}
	}
	s.profilers.by = nil
	return err
}

func (s *session) freeSample(sample nvml.GpmSample) error {
	if err := s.may("GpmSampleFree"); err != nil {
		return err
	}
	code := s.api.GpmSampleFree(sample)
	return failure("GpmSampleFree", code)
}
