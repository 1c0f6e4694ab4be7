package scenario

import (
	"fmt"
	"strings"
	"time"
)

// user is a process that uses a GPU.
type user struct {
	pid    int
	memory float64
	works  bool
}

// usersOf returns the processes of the players that are assigned to the GPU, in their order. A
// server that works itself is one process.
func (d *GPULoad) usersOf(gpu int) (users []user) {
	for _, p := range d.players {
		if p.Instance%len(d.gpus) != gpu {
			continue
		}
		server, worker := p.Processes()
		if server != nil {
			users = append(users, user{pid: server.PID(), memory: serverMemory})
		}
		switch worker {
		case nil:
		case server:
			users[len(users)-1] = user{pid: server.PID(), memory: serverMemory + workMemory, works: true}
		default:
			users = append(users, user{pid: worker.PID(), memory: workMemory, works: true})
		}
	}
	return users
}

// userLines returns the processes on the GPU with this index in the format of the fake driver
// library. Those that work share its utilization.
func (g *SimulatedGPU) userLines(index int, users []user, now time.Time) []string {
	workers := 0
	for _, u := range users {
		if u.works {
			workers++
		}
	}
	var contexts, samples []string
	for _, u := range users {
		contexts = append(contexts, fmt.Sprintf("%d:%d", u.pid, int64(u.memory)))
		if u.works {
			samples = append(samples, fmt.Sprintf("%d:%d:%d:%d:%d", now.UnixMicro(), u.pid, int(g.Utilization)/workers, int(g.Encoder)/workers, int(g.Encoder/2)/workers))
		}
	}
	var lines []string
	for _, line := range []struct {
		key    string
		values []string
	}{{"compute", contexts}, {"process.samples", samples}} {
		if len(line.values) > 0 {
			lines = append(lines, fmt.Sprintf("gpu.%d.%s %s", index, line.key, strings.Join(line.values, " ")))
		}
	}
	return lines
}
