package scenario

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// SimulatedGPU holds the readings of a GPU. They follow the work as on a real one: utilization at
// once, memory in steps, temperature slowly.
type SimulatedGPU struct {
	// Utilization and Encoder in percent.
	Utilization, Encoder float64
	// Memory used, in bytes.
	Memory float64
	// Power in watts.
	Power float64
	// Temperature in degrees Celsius.
	Temperature float64
	// Energy in joules.
	Energy float64
}

// A GPU of 24 GiB and 450 W. FaceFusion holds models for previews in every server, and more while
// it works.
const (
	idleMemory, serverMemory, workMemory = 0.5 * (1 << 30), 2.5 * (1 << 30), 6.0 * (1 << 30)
	idlePower, fullPower                 = 25.0, 380.0
	idleTemperature, degreesPerWatt      = 34.0, 0.1
	inertia                              = 10 * time.Second
)

// NewSimulatedGPU returns an idle, cold GPU.
func NewSimulatedGPU() *SimulatedGPU {
	return &SimulatedGPU{Memory: idleMemory, Power: idlePower, Temperature: idleTemperature}
}

// pass advances the time with these processes on the GPU.
func (g *SimulatedGPU) pass(d time.Duration, users []user, dice *rand.Rand) {
	g.Utilization, g.Encoder, g.Memory = 0, 0, idleMemory
	for _, u := range users {
		g.Memory += u.memory
		if u.works && g.Utilization == 0 {
			g.Utilization = 76 + 24*dice.Float64()
			g.Encoder = 20 + 12*dice.Float64()
		}
	}
	g.Power = idlePower + (fullPower-idlePower)*g.Utilization/100
	g.Energy += g.Power * d.Seconds()
	goal := idleTemperature + degreesPerWatt*(g.Power-idlePower)
	g.Temperature += (goal - g.Temperature) * (1 - math.Exp(-d.Seconds()/inertia.Seconds()))
}

// totalMemory is 24 GiB.
const totalMemory = 24 << 30

// lines returns the readings in the format of the fake driver library, for the GPU with this index.
func (g *SimulatedGPU) lines(index int) []string {
	line := func(key string, value any) string { return fmt.Sprintf("gpu.%d.%s %v", index, key, value) }
	return []string{
		line("name", "Simulated GPU"),
		line("memory.total", totalMemory),
		line("memory.used", int64(g.Memory)),
		line("utilization", int(g.Utilization)),
		line("encoder", int(g.Encoder)),
		line("decoder", int(g.Encoder/2)),
		line("power", int(g.Power*1000)),
		line("temperature", int(g.Temperature)),
		line("energy", int64(g.Energy*1000)),
	}
}

// GPULoad drives GPUs by the work of players, which are assigned to them in turn: instance 0 to the
// first, instance 1 to the second, and so on.
type GPULoad struct {
	gpus    []*SimulatedGPU
	players []*Player
	say     func(lines ...string) error
	dice    *rand.Rand
}

// NewGPULoad creates GPUs. say receives their readings in the format of the fake driver library.
func NewGPULoad(gpus int, players []*Player, say func(lines ...string) error) *GPULoad {
	d := &GPULoad{players: players, say: say, dice: rand.New(rand.NewPCG(0, 0))}
	for range gpus {
		d.gpus = append(d.gpus, NewSimulatedGPU())
	}
	return d
}

// Pass advances the time on all GPUs and reports their readings.
func (d *GPULoad) Pass(interval time.Duration) error {
	lines := []string{fmt.Sprintf("gpus %d", len(d.gpus)), "xids.never 1"}
	for i, g := range d.gpus {
		users := d.usersOf(i)
		g.pass(interval, users, d.dice)
		lines = append(lines, g.lines(i)...)
		lines = append(lines, g.userLines(i, users, time.Now())...)
	}
	return d.say(lines...)
}

// Drive advances the time until the context ends.
func (d *GPULoad) Drive(ctx context.Context) error {
	const interval = 200 * time.Millisecond
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		if err := d.Pass(interval); err != nil {
			return err
		}
	}
}
