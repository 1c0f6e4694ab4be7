package container

import (
	"bytes"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/reading"
)

// View is where the groups of a location are found, which takes longer than reading them.
type View struct {
	memory, cpu, cpuacct, io, pids, pressure group
}

// Complete says that the group of memory was found, which all containers have.
func (v *View) Complete() bool { return v.memory.folder != "" }

// group is a folder of one controller; empty where it cannot be found.
type group struct {
	folder string
	v2     bool
}

// View looks for the groups of a location.
func (g *Groups) View(p *Location) View {
	var v View
	for _, c := range []struct {
		to                       *group
		controller, legacy, file string
	}{
		{&v.memory, "memory", "memory.usage_in_bytes", "memory.current"},
		{&v.cpu, "cpu", "cpu.stat", "cpu.max"},
		{&v.cpuacct, "cpuacct", "cpuacct.stat", "cpu.stat"},
		{&v.io, "blkio", "blkio.throttle.io_service_bytes", "io.stat"},
		{&v.pids, "pids", "pids.current", "pids.current"},
	} {
		file := c.file
		if _, found := p.legacy[c.controller]; found {
			file = c.legacy
		}
		c.to.folder, c.to.v2, _ = g.folder(p, c.controller, file)
	}
	if g.find(); g.unified != "" && p.unified != "" {
		v.pressure.folder, _ = below(g.unified, p.unified, "memory.pressure")
	}
	return v
}

// Parts is how many parts a reading has. Each takes about as long as the others, so that one can be
// taken at a time.
const Parts = 3

// Read reads what the groups allow and have counted.
func (g *Groups) Read(v *View) Usage {
	var u Usage
	for part := range Parts {
		g.ReadPart(v, part, &u)
	}
	return u
}

// ReadPart reads a part of it, and leaves the others as they are.
func (g *Groups) ReadPart(v *View, part int, u *Usage) {
	switch part {
	case 0:
		u.Version = "v1"
		if v.memory.v2 {
			u.Version = "v2"
		}
		g.readMemory(v.memory, u)
	case 1:
		g.readCPU(v, u)
		u.Processes, u.ProcessLimit = g.number(v.pids, "pids.current"), g.number(v.pids, "pids.max")
	case 2:
		g.readIO(v.io, u)
		if v.pressure.folder == "" {
			return
		}
		for n, resource := range Resources {
			u.Pressure[n] = parsePressure(g.content(v.pressure.folder, resource+".pressure"))
		}
	}
}

// OOMKills is how many processes of a group the kernel killed for memory.
func (g *Groups) OOMKills(v *View) reading.Value[int64] {
	file := "memory.oom_control"
	if v.memory.v2 {
		file = "memory.events"
	}
	if v.memory.folder == "" {
		return reading.Value[int64]{}
	}
	return field(g.content(v.memory.folder, file), "oom_kill")
}

// noLimit is what version 1 says of a group without one: the largest multiple of a page.
const noLimit = 1 << 62

func (g *Groups) readMemory(m group, u *Usage) {
	if m.folder == "" {
		return
	}
	inactive := "inactive_file"
	if m.v2 {
		u.Memory, u.MemoryLimit, u.MemoryPeak = g.number(m, "memory.current"), g.number(m, "memory.max"), g.number(m, "memory.peak")
	} else {
		u.Memory, u.MemoryLimit, u.MemoryPeak = g.number(m, "memory.usage_in_bytes"), g.number(m, "memory.limit_in_bytes"), g.number(m, "memory.max_usage_in_bytes")
		if u.MemoryLimit.V >= noLimit {
			u.MemoryLimit = reading.Value[int64]{}
		}
		inactive = "total_inactive_file"
	}
	if cache := field(g.content(m.folder, "memory.stat"), inactive); cache.Known && u.Memory.Known {
		u.WorkingSet = reading.Known(max(0, u.Memory.V-cache.V))
	}
	u.OOMKills = g.OOMKills(&View{memory: m})
}

// userHZ is the unit of cpuacct.stat.
const userHZ = 100

func (g *Groups) readCPU(v *View, u *Usage) {
	if v.cpuacct.v2 {
		stat := g.content(v.cpuacct.folder, "cpu.stat")
		u.CPUUser, u.CPUSystem = scaled(field(stat, "user_usec"), 1e6), scaled(field(stat, "system_usec"), 1e6)
		u.Throttled = scaled(field(stat, "throttled_usec"), 1e6)
	} else if v.cpuacct.folder != "" {
		stat := g.content(v.cpuacct.folder, "cpuacct.stat")
		u.CPUUser, u.CPUSystem = scaled(field(stat, "user"), userHZ), scaled(field(stat, "system"), userHZ)
	}
	switch {
	case v.cpu.folder == "":
	case v.cpu.v2:
		quota, period, _ := bytes.Cut(bytes.TrimSpace(g.content(v.cpu.folder, "cpu.max")), []byte(" "))
		u.CPULimit = ratio(parseNumber(quota), parseNumber(period))
	default:
		u.CPULimit = ratio(g.number(v.cpu, "cpu.cfs_quota_us"), g.number(v.cpu, "cpu.cfs_period_us"))
		u.Throttled = scaled(field(g.content(v.cpu.folder, "cpu.stat"), "throttled_time"), float64(time.Second))
	}
}

// readIO sums over the devices. In version 2 a line is "8:0 rbytes=1 wbytes=2 …", in version 1
// "8:0 Read 1" and "8:0 Write 2".
func (g *Groups) readIO(io group, u *Usage) {
	if io.folder == "" {
		return
	}
	file := "io.stat"
	if !io.v2 {
		file = "blkio.throttle.io_service_bytes_recursive"
		if !has(io.folder, file) {
			file = "blkio.throttle.io_service_bytes"
		}
	}
	text, ok := g.contentOf(io.folder, file)
	if !ok {
		return
	}
	u.ReadBytes, u.WriteBytes = reading.Known[int64](0), reading.Known[int64](0)
	for line := range bytes.Lines(text) {
		words := bytes.Fields(line)
		if len(words) == 3 && !io.v2 {
			switch string(words[1]) {
			case "Read":
				u.ReadBytes.V += parseNumber(words[2]).V
			case "Write":
				u.WriteBytes.V += parseNumber(words[2]).V
			}
			continue
		}
		for _, word := range words[min(1, len(words)):] {
			switch name, value, _ := bytes.Cut(word, []byte("=")); string(name) {
			case "rbytes":
				u.ReadBytes.V += parseNumber(value).V
			case "wbytes":
				u.WriteBytes.V += parseNumber(value).V
			}
		}
	}
}

// number is the content of a file that holds one; "max" is none.
func (g *Groups) number(at group, file string) reading.Value[int64] {
	if at.folder == "" {
		return reading.Value[int64]{}
	}
	return parseNumber(bytes.TrimSpace(g.content(at.folder, file)))
}

func parseNumber(text []byte) reading.Value[int64] {
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		return reading.Value[int64]{}
	}
	return reading.Known(n)
}

// field is the number after a name at the begin of a line.
func field(text []byte, name string) reading.Value[int64] {
	for line := range bytes.Lines(text) {
		if rest, ok := bytes.CutPrefix(line, []byte(name)); ok && len(rest) > 1 && rest[0] == ' ' {
			return parseNumber(bytes.TrimSpace(rest))
		}
	}
	return reading.Value[int64]{}
}

func scaled(v reading.Value[int64], unit float64) reading.Value[float64] {
	return reading.Value[float64]{V: float64(v.V) / unit, Known: v.Known}
}

// ratio is absent without a quota, which version 1 says with -1.
func ratio(quota, period reading.Value[int64]) reading.Value[float64] {
	if !quota.Known || quota.V <= 0 || period.V <= 0 {
		return reading.Value[float64]{}
	}
	return reading.Known(float64(quota.V) / float64(period.V))
}

// parsePressure reads "some avg10=0.00 avg60=0.00 avg300=0.00 total=123", of microseconds.
func parsePressure(text []byte) Pressure {
	var p Pressure
	for line := range bytes.Lines(text) {
		kind, rest, _ := bytes.Cut(line, []byte(" "))
		_, total, ok := bytes.Cut(rest, []byte("total="))
		if !ok {
			continue
		}
		seconds := scaled(parseNumber(bytes.TrimSpace(total)), 1e6)
		switch string(kind) {
		case "some":
			p.Some = seconds
		case "full":
			p.Full = seconds
		}
	}
	return p
}

// content returns a file of a group, valid until the next call; nothing where it cannot be read.
func (g *Groups) content(folder, file string) []byte {
	text, _ := g.contentOf(folder, file)
	return text
}

func (g *Groups) contentOf(folder, file string) ([]byte, bool) {
	fd, err := unix.Open(folder+"/"+file, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, false
	}
	defer unix.Close(fd)
	n := 0
	for n < maxFile {
		if n == len(g.buf) {
			g.buf = append(g.buf, make([]byte, len(g.buf))...)
		}
		m, err := unix.Read(fd, g.buf[n:])
		if err != nil {
			return nil, false
		}
		n += m
		if n < len(g.buf) {
			// the kernel makes these files as one record, and gives of it what there is room for
			break
		}
	}
	return g.buf[:n], true
}
