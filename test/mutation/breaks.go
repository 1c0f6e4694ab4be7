package main

// aBreak is one fault that could be made in a file without the compiler noticing.
type aBreak struct {
	// what would go wrong for an operator.
	what string
	file string
	// old is in the file once, and becomes broken.
	old, broken string
	// guards are the packages with the tests that must fail; that of the file where it is empty.
	guards []string
	// tests narrows them down, where all tests of a package take long.
	tests string
}

const (
	gpuDir      = "internal/gpu/"
	nvmlDir     = "internal/gpu/nvmldriver/"
	xidDir      = "internal/gpu/xid/"
	processDir  = "internal/process/"
	jobsDir     = "internal/jobqueue/"
	webDir      = "internal/webui/"
	logDir      = "internal/logstream/"
	deliveryDir = "receiver/facefusionreceiver/internal/delivery/"
)

// processTests are those of the package process that begin no processes by the hundred.
const processTests = "Stat|Usage|Exit|Ending|Signal|Crash|Stopped|Expected|Server|PIDReused|Forged|Cannot|Hidepid|Credentials|Write|Open|Access"

// readings are the packages that test where what a driver says ends up.
var readings = []string{gpuDir, nvmlDir}

// breaks are those that matter: of each, an alert, a bill or a page would be wrong.
var breaks = []aBreak{
	// Units and ranges of what a driver says.
	{what: "power in milliwatts", file: gpuDir + "plausible.go", old: "return reading.Known(float64(milliwatts) / 1000)", broken: "return reading.Known(float64(milliwatts))"},
	{what: "energy in millijoules", file: gpuDir + "plausible.go", old: "return reading.Known(float64(millijoules) / 1000)", broken: "return reading.Known(float64(millijoules))"},
	{what: "utilization in percent", file: gpuDir + "plausible.go", old: "return percent / 100, true", broken: "return percent, true"},
	{what: "a utilization of 255 is believed", file: gpuDir + "plausible.go", old: "percent < 0 || percent > 100", broken: "percent < 0"},
	{what: "0 degrees are a reading", file: gpuDir + "plausible.go", old: "celsius <= 0 ||", broken: "celsius < 0 ||"},
	{what: "more memory used than there is", file: gpuDir + "plausible.go", old: "if m.Used <= m.Total {", broken: "if m.Used <= memoryLimitBytes {"},
	{what: "clocks in MHz", file: gpuDir + "quantity.go", old: "int64(mhz) * 1_000_000", broken: "int64(mhz) * 1_000", guards: readings},
	{what: "power limits in milliwatts", file: gpuDir + "quantity.go", old: "return reading.Known(float64(milliwatts) / 1000)", broken: "return reading.Known(float64(milliwatts))", guards: readings},
	{what: "NVLink in KiB", file: gpuDir + "quantity.go", old: "d.NVLinkTransmitted = whole(v << 10)", broken: "d.NVLinkTransmitted = whole(v)"},
	// Swapped fields.
	{what: "uncorrected errors are called corrected", file: gpuDir + "quantity.go", old: "d.Errors[ErrorUncorrected] = whole(v)", broken: "d.Errors[ErrorCorrected] = whole(v)", guards: readings},
	{what: "bytes received are called sent", file: gpuDir + "quantity.go", old: "d.PCIe.Received = whole(v)", broken: "d.PCIe.Transmitted = whole(v)", guards: readings},
	{what: "slowdown and shutdown temperatures", file: gpuDir + "quantity.go", old: "d.TemperatureLimits.Slowdown = celsius(v)", broken: "d.TemperatureLimits.Shutdown = celsius(v)", guards: readings},
	{what: "the link's generation is that of its maximum", file: nvmlDir + "link.go", old: "h.device.GetCurrPcieLinkGeneration()", broken: "h.device.GetMaxPcieLinkGeneration()"},
	{what: "samples of the encoder are those of the decoder", file: nvmlDir + "samples.go", old: "gpu.TaskEncoder: nvml.ENC_UTILIZATION_SAMPLES", broken: "gpu.TaskEncoder: nvml.DEC_UTILIZATION_SAMPLES"},
	{what: "a remapped row is called the other kind", file: gpuDir + "pass.go", old: "d.Errors[ErrorRemappedRowUncorrected] = reading.Known(int64(k.rows.V.Uncorrected))", broken: "d.Errors[ErrorRemappedRowUncorrected] = reading.Known(int64(k.rows.V.Corrected))", guards: readings},
	// Windows and counters.
	{what: "a mean is weighted by number, not by time", file: gpuDir + "window.go", old: "seconds := min(speaksFor, longestSample).Seconds()", broken: "seconds := 1.0"},
	{what: "the value after a pause counts for the pause", file: gpuDir + "window.go", old: "min(speaksFor, longestSample).Seconds()", broken: "speaksFor.Seconds()"},
	{what: "a peak is the last value", file: gpuDir + "window.go", old: "s.max = max(s.max, fraction)", broken: "s.max = fraction"},
	{what: "the window is not closed by a scrape at the interval", file: gpuDir + "sampler.go", old: "reset := width >= minWidth || width < 0", broken: "reset := width > minWidth || width < 0"},
	{what: "a clock that is set back keeps the window open", file: gpuDir + "sampler.go", old: "reset := width >= minWidth || width < 0", broken: "reset := width >= minWidth"},
	{what: "a peak is gone a moment early", file: gpuDir + "peak.go", old: "now.Sub(list[0].at) > length", broken: "now.Sub(list[0].at) >= length"},
	{what: "a 64-bit counter that begins anew wraps", file: gpuDir + "counter.go", old: "case n.Value >= before.Value:\n\t\tc.total += n.Value - before.Value", broken: "case true:\n\t\tc.total += n.Value - before.Value"},
	{what: "a 32-bit counter that wrapped unseen is believed", file: gpuDir + "counter.go", old: "if elapsed < 0 || most >= size {", broken: "if elapsed < 0 {"},
	{what: "more than the link can carry is believed", file: gpuDir + "counter.go", old: "grown = min(n.Value, uint64(most))", broken: "grown = n.Value"},
	// Failures and states of a GPU.
	{what: "a reading that is gone is not reported", file: gpuDir + "failure.go", old: "return p.failed >= missingAfter && (p.had", broken: "return p.failed > missingAfter+1 && (p.had"},
	{what: "what a GPU never had counts as failed", file: gpuDir + "failure.go", old: "counts = counts && !c.ofMIG && p.had", broken: "counts = counts && !c.ofMIG"},
	{what: "NOT_SUPPORTED is for ever", file: gpuDir + "support.go", old: "return !s.refused || s.retry.Ready(now)", broken: "return !s.refused"},
	{what: "a row that could not be remapped is only pending", file: gpuDir + "pass.go", old: "case k.rows.Known && k.rows.V.Failed:", broken: "case k.rows.Known && k.rows.V.Failed && !k.rows.V.Pending && k.rows.V.Corrected < 0:", guards: readings},
	{what: "the mode of MIG changes nothing", file: gpuDir + "support.go", old: "clear(g.support[:])", broken: "_ = g.support[:]"},
	{what: "an older form of another meaning answers for the newer one", file: nvmlDir + "handle.go", old: "err == nil || answered.Load() || !outdated(code)", broken: "err == nil || !outdated(code)", tests: "Memory"},
	{what: "one fan without a sensor ends all", file: gpuDir + "numbers.go", old: "g.ask(fieldFan+field(i), func() error {", broken: "g.ask(fieldFan, func() error {", guards: []string{gpuDir}},
	{what: "another number of GPUs changes nothing", file: gpuDir + "reader.go", old: "r.listing, r.gpu, r.last.skipped = listing, nil, false", broken: "r.listing = listing", guards: []string{gpuDir}},
	{what: "an XID of no known GPU is dropped", file: xidDir + "counter.go", old: "		t.unmatched++\n		return\n", broken: "		return\n", guards: []string{gpuDir, xidDir}},
	{what: "a UUID is taken for the same GPU's", file: gpuDir + "identities.go", old: "if len(i.seen[uuid]) > 1 {", broken: "if len(i.seen[uuid]) > 9 {", guards: []string{gpuDir}},
	{what: "a GPU that hangs at once has no name", file: gpuDir + "slot.go", old: `id != nil && s.last.device.UUID == ""`, broken: `id == nil`, guards: []string{gpuDir}},
	{what: "as many GPUs as the driver says", file: gpuDir + "connection.go", old: "return min(count, gpuLimit)", broken: "return count", guards: []string{gpuDir}},
	{what: "as many MIG devices as the driver says", file: nvmlDir + "mig.go", old: "for i := range min(indexes, migIndexLimit) {", broken: "for i := range min(indexes, 1<<20) {", tests: "MIG"},
	{what: "a shutdown waits for the driver", file: gpuDir + "sampler.go", old: "const closeLimit = 2 * time.Second", broken: "const closeLimit = 20 * time.Second", guards: []string{gpuDir}},
	{what: "the search ends at the first bad file", file: nvmlDir + "search.go", old: "		if err = l.tryLoad(candidate); err == nil {\n			return nil\n		}\n", broken: "		if err = l.tryLoad(candidate); err == nil || info.Size() == 0 {\n			return err\n		}\n", tests: "Search"},
	{what: "the search does not go below the root", file: nvmlDir + "search.go", old: `root != "" && filepath.Clean(root) != "/"`, broken: `root == "/"`, tests: "Search"},
	{what: "drivers that list processes in another layout are asked", file: nvmlDir + "processes.go", old: "soundProcessList  = release{535, 104}", broken: "soundProcessList  = release{535, 43}", tests: "Process"},
	{what: "a GPU that was taken out is lost for ever", file: gpuDir + "publish.go", old: "case gone+passed < s.forgetAfter:", broken: "case gone+passed >= 0:", guards: []string{gpuDir}},
	{what: "a counter of 32 bits is taken for one of 64", file: nvmlDir + "fields.go", old: "	case nvml.VALUE_TYPE_UNSIGNED_INT:\n		return 32\n", broken: "", tests: "Counted|Fields"},
	{what: "an XID of both sources counts twice", file: xidDir + "pairing.go", old: "r.code == code && r.from != from", broken: "r.code == code && r.from == from && r.from > 9"},
	{what: "XIDs of different GPUs in a burst", file: xidDir + "pairing.go", old: "line.sinceBoot-b.last < burstGap &&", broken: ""},
	{what: "an XID that needs a reset is a program's", file: xidDir + "catalogue.go", old: `79:  {Hardware, "GPU has fallen off the bus"}`, broken: `79:  {Program, "GPU has fallen off the bus"}`},
	// Processes.
	{what: "user and system time", file: processDir + "stat.go", old: "s.user, s.system = number(statUser), number(statSystem)", broken: "s.system, s.user = number(statUser), number(statSystem)", tests: processTests},
	{what: "a name with a parenthesis shifts all fields", file: processDir + "stat.go", old: "bytes.LastIndexByte(data, ')')", broken: "bytes.IndexByte(data, ')')", tests: processTests},
	{what: "memory in pages", file: processDir + "usage.go", old: "s.resident * int64(os.Getpagesize())", broken: "s.resident * int64(os.Getpagesize()>>12)", tests: processTests},
	{what: "CPU time in ticks", file: processDir + "usage.go", old: "return float64(ticks) / userHZ }", broken: "return float64(ticks) }", tests: processTests},
	{what: "read and written bytes", file: processDir + "usage.go", old: `number("read_bytes"), number("write_bytes")`, broken: `number("write_bytes"), number("read_bytes")`, tests: processTests},
	{what: "a crash is called a kill", file: processDir + "exit.go", old: "return ExitCrashed", broken: "return ExitKilled", tests: processTests},
	{what: "a kill is a wanted end", file: processDir + "exit.go", old: "return ExitKilled", broken: "return ExitTerminated", tests: processTests},
	{what: "the end of a terminal is on purpose", file: processDir + "ended.go", old: "e.signal.V != int(unix.SIGHUP)", broken: "e.signal.V != int(unix.SIGKILL)", tests: processTests},
	{what: "an orphan's end is on purpose", file: processDir + "ended.go", old: "e.onPurpose() && !i.expected() && !i.ended[n].orphan", broken: "e.onPurpose() && !i.expected()", tests: processTests},
	{what: "an expected instance may be stopped", file: processDir + "ended.go", old: "e.onPurpose() && !i.expected() &&", broken: "e.onPurpose() &&", tests: processTests},
	{what: "a user without rights may write", file: processDir + "credentials.go", old: "return st.Mode&0o002 != 0", broken: "return st.Mode&0o004 != 0", tests: processTests},
	{what: "the effective user is the real one", file: processDir + "credentials.go", old: "strconv.Atoi(fields[1])", broken: "strconv.Atoi(fields[0])", tests: processTests},
	{what: "hidepid=0 hides", file: processDir + "visibility.go", old: `value != "0" && value != "off"`, broken: `value != "off"`, tests: processTests},
	// Jobs.
	{what: "a run is lost while its process lives", file: jobsDir + "verdict.go", old: "case in.listed && in.held && !in.alive && in.exit != \"\":", broken: "case in.listed && in.held && in.exit != \"\":"},
	{what: "a run is lost at the first list without its process", file: jobsDir + "verdict.go", old: "in.gone >= goneFor && !in.growing", broken: "!in.growing"},
	{what: "a run whose output grows is lost", file: jobsDir + "verdict.go", old: "in.gone >= goneFor && !in.growing", broken: "in.gone >= goneFor"},
	{what: "a run of another host is lost", file: jobsDir + "verdict.go", old: "!in.held && !in.shared &&", broken: "!in.held &&"},
	{what: "a run stalls a moment late", file: jobsDir + "verdict.go", old: "case in.observable && in.quiet >= stallAfter:", broken: "case in.observable && in.quiet > stallAfter:"},
	{what: "a run stalls of which nothing can be seen", file: jobsDir + "verdict.go", old: "case in.observable && in.quiet >= stallAfter:", broken: "case in.quiet >= stallAfter:"},
	{what: "a failed step is completed", file: jobsDir + "attempt.go", old: "a.run.Steps[i].Outcome = OutcomeFailed", broken: "a.run.Steps[i].Outcome = OutcomeCompleted"},
	{what: "a job between two steps is finalizing", file: jobsDir + "attempt.go", old: "case failed || ended == len(a.raw):", broken: "case failed || ended > 0:"},
	{what: "the newest waiting job is called the oldest", file: jobsDir + "oldest.go", old: "j.since.Before(o.waiting.V)", broken: "j.since.After(o.waiting.V)"},
	{what: "a stop is a failure", file: jobsDir + "stopped.go", old: "f.concludeFailure(p, j, l, OutcomeStopped, BasisStopCall)", broken: "f.concludeFailure(p, j, l, OutcomeFailed, BasisStopCall)"},
	{what: "one press of stop stops two runs", file: jobsDir + "stopped.go", old: "d.Stops++", broken: "_ = d.Stops"},
	{what: "a failed folder counts as completed", file: jobsDir + "statusdir.go", old: "return StateFailed", broken: "return StateCompleted"},
	// Servers.
	{what: "one slow answer is an outage", file: webDir + "health.go", old: "c.failed = c.failures >= threshold", broken: "c.failed = c.failures >= 1"},
	{what: "failures need not be in a row", file: webDir + "health.go", old: "c.failures = 0\n", broken: "_ = c.failures\n"},
	{what: "a redirect is healthy", file: webDir + "health.go", old: "status >= 200 && status < 300", broken: "status >= 200 && status < 400"},
	{what: "the last certificate to expire is the first", file: webDir + "health.go", old: "c.NotAfter.Before(first.V)", broken: "c.NotAfter.After(first.V)"},
	{what: "successes are failures", file: webDir + "failed.go", old: "failed := ended - int64(succeeded)", broken: "failed := int64(succeeded)"},
	{what: "p90 and p99", file: webDir + "answer.go", old: "p90:      seconds(f.Percentiles.P90)", broken: "p90:      seconds(f.Percentiles.P99)"},
	{what: "credentials go to whoever was found", file: webDir + "tracker.go", old: "client != nil && e.configured()", broken: "client != nil", guards: []string{webDir, "receiver/facefusionreceiver/internal/webprobe"}},
	{what: "a refused connection is a reset one", file: webDir + "failure.go", old: "return errorRefused", broken: "return errorReset"},
	// What is kept, and what is sent.
	{what: "a damaged record is believed", file: "internal/recordlog/frame.go", old: "headerChecksum(head) != binary.BigEndian.Uint32(head[12:])", broken: "len(head) < 0"},
	{what: "pauses do not grow", file: "internal/backoff/backoff.go", old: "max(2*b.delay, pace.First)", broken: "max(b.delay, pace.First)"},
	{what: "a bucket's bound is not in it", file: "internal/histogram/histogram.go", old: "h.counts[sort.SearchFloat64s(h.bounds, v)]++", broken: "h.counts[sort.Search(len(h.bounds), func(i int) bool { return h.bounds[i] > v })]++"},
	{what: "what a pipeline refuses for good is retried", file: deliveryDir + "retry.go", old: "case consumererror.IsPermanent(err):", broken: "case false && consumererror.IsPermanent(err):"},
	{what: "batches are retried for ever", file: deliveryDir + "retry.go", old: "if time.Since(b.received)+pause > maxElapsedTime {", broken: "if time.Since(b.received) < 0 {"},
	{what: "a storm on one GPU holds back another's events", file: deliveryDir + "limiter.go", old: `[]string{"hw.id", "nvidia.xid.code",`, broken: `[]string{"nvidia.xid.code",`},
	{what: "a hung share takes every thread", file: "internal/hostfs/gate.go", old: "own >= g.settings.MaxHanging || left <= 0 ||", broken: "left <= 0 ||"},
	{what: "a share that hung once hangs for ever", file: "internal/hostfs/gate.go", old: "delete(g.calls[c.key], c)", broken: "_ = g.calls[c.key]"},
}
