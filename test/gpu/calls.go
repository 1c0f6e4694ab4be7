//go:build linux && cgo

package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu"
)

// costs is the duration and the result of each call: the tiers are chosen by these. The first of
// two may prepare something, and does not count.
func costs(h gpu.Handle, uuid string) (list []callCost) {
	timed := func(name string, ask func() (any, error)) {
		start := time.Now()
		answer, err := ask()
		c := callCost{GPU: uuid, Call: name, Micros: time.Since(start).Microseconds(), Answer: fmt.Sprint(answer)}
		if err != nil {
			c.Err = err.Error()
		}
		list = append(list, c)
	}
	call := func(name string, ask func() (any, error)) {
		_, _ = ask() // the first
		timed(name, ask)
	}
	call("memory", func() (any, error) { return h.Memory() })
	call("temperature", func() (any, error) { return h.Temperature() })
	call("power", func() (any, error) { return h.Power() })
	call("energy", func() (any, error) { return h.Energy() })
	for _, task := range []gpu.Task{gpu.TaskGeneral, gpu.TaskEncoder, gpu.TaskDecoder, gpu.TaskJPEG, gpu.TaskOFA, gpu.TaskMemory} {
		call("utilization "+string(task), func() (any, error) { return h.Utilization(task) })
		call("samples "+string(task), func() (any, error) { s, err := h.Samples(task, 0); return len(s), err })
	}
	for q := range gpu.Quantity(gpu.AllQuantities) {
		call(q.String(), func() (any, error) { return h.Number(q) })
	}
	call("rows", func() (any, error) { return h.Rows() })
	call("encoder", func() (any, error) { return h.Encoder() })
	call("bar1", func() (any, error) { return h.BAR1() })
	if fans, err := h.Number(gpu.QuantityFans); err == nil {
		for fan := range min(fans.Value, 32) {
			call(fmt.Sprintf("fan %d", fan), func() (any, error) { return h.Fan(int(fan)) })
		}
	}
	call("contexts", func() (any, error) { c, err := h.Contexts(); return len(c), err })
	call("process samples", func() (any, error) { s, err := h.ProcessSamples(0); return len(s), err })
	call("mig", func() (any, error) { m, err := h.MIG(); return len(m.Devices), err })
	return list
}

// dearest are the calls that cost most.
func dearest(list []callCost, n int) string {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b callCost) int { return int(b.Micros - a.Micros) })
	text := ""
	for _, c := range list[:min(n, len(list))] {
		text += fmt.Sprintf("%s %d us, ", c.Call, c.Micros)
	}
	return text
}
