package scenario

import (
	"context"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestGPUFollowsTheWork(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 0))
	g := NewSimulatedGPU()
	g.pass(time.Second, []user{{memory: serverMemory}}, dice)
	assert.Zero(t, g.Utilization)
	assert.InDelta(t, 3.0*(1<<30), g.Memory, 1, "an idle server keeps its models")
	assert.InDelta(t, 34, g.Temperature, 0.001)
	assert.InDelta(t, 25, g.Energy, 0.001, "a second at 25 W")

	for range 120 {
		g.pass(time.Second, []user{{memory: serverMemory}, {memory: workMemory, works: true}}, dice)
		assert.InDelta(t, 88, g.Utilization, 12)
		assert.InDelta(t, 26, g.Encoder, 6)
	}
	assert.InDelta(t, 9.0*(1<<30), g.Memory, 1)
	assert.InDelta(t, 65, g.Temperature, 5, "it has become warm")
	assert.Greater(t, g.Energy, 120*250.0)

	hot := g.Temperature
	g.pass(time.Second, nil, dice)
	assert.InDelta(t, 0.5*(1<<30), g.Memory, 1)
	assert.Less(t, g.Temperature, hot)
	assert.Greater(t, g.Temperature, hot-10, "heat goes slowly")
}

func TestDriverSaysEveryGPU(t *testing.T) {
	var said []string
	driver := NewGPULoad(2, []*Player{{Instance: 0}}, func(lines ...string) error {
		said = lines
		return nil
	})
	require.NoError(t, driver.Pass(time.Second))
	assert.Contains(t, said, "gpus 2")
	assert.Contains(t, said, "gpu.0.utilization 0")
	assert.Contains(t, said, "gpu.1.memory.used 536870912")
	assert.Contains(t, said, "gpu.1.power 25000")
	assert.Contains(t, said, "gpu.1.energy 25000", "a second at 25 W")
}

func TestWhoUsesAGPU(t *testing.T) {
	g := &SimulatedGPU{Utilization: 90, Encoder: 30}
	users := []user{{pid: 11, memory: 1000}, {pid: 12, memory: 2000, works: true}, {pid: 13, memory: 3000, works: true}}
	assert.Equal(t, []string{
		"gpu.1.compute 11:1000 12:2000 13:3000",
		"gpu.1.process.samples 1800000000000000:12:45:15:7 1800000000000000:13:45:15:7",
	}, g.userLines(1, users, time.Unix(1_800_000_000, 0)))
	assert.Empty(t, g.userLines(1, nil, time.Now()))
}

func TestDriverGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 1100*time.Millisecond)
		defer cancel()
		var said int
		driver := NewGPULoad(1, nil, func(...string) error { said++; return nil })
		require.NoError(t, driver.Drive(ctx))
		assert.Equal(t, 5, said)
	})
}
