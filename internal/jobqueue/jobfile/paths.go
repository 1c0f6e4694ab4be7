package jobfile

// Paths are the files of a step. They never leave the package that reads the jobs, unless it is
// told to keep all of them.
type Paths struct{ Target, Output string }

// Keep says which paths are kept.
type Keep uint8

const (
	// KeepNeeded keeps those by which it is seen whether a step is worked on.
	KeepNeeded Keep = iota
	// KeepAll keeps those of all steps.
	KeepAll
)

const (
	// longestPath is PATH_MAX of Linux: what is longer is no file's.
	longestPath = 4096
	// keptStarted is of how many steps that have started the paths are kept. One runs at a time;
	// others were left by runners that died.
	keptStarted = 3
)

// Paths of a step, as far as they were kept.
func (d *Document) Paths(step int) Paths { return d.paths[step] }

// keptPaths are the paths of a job's steps that are needed: of those that run, of the last one that
// ended, whose output is joined, and of the only one, by which the process of the job is found. A
// plan of 15 MB is paths for the most part.
type keptPaths struct {
	keep        Keep
	all         map[int]Paths
	started     int
	first, last Paths
	ended       int // 1 and more is the step before
}

func (k *keptPaths) note(step int, status Status, paths Paths) {
	paths.Target, paths.Output = possible(paths.Target), possible(paths.Output)
	switch {
	case k.keep == KeepAll:
		k.put(step, paths)
	case status == StatusStarted && k.started < keptStarted:
		k.started++
		k.put(step, paths)
	case status.Ended():
		k.ended, k.last = step+1, paths
	}
	if step == 0 {
		k.first = paths
	}
}

func (k *keptPaths) put(step int, paths Paths) {
	if paths == (Paths{}) {
		return
	}
	if k.all == nil {
		k.all = make(map[int]Paths)
	}
	k.all[step] = paths
}

// kept are the paths of a job with so many steps.
func (k *keptPaths) kept(steps int) map[int]Paths {
	if k.ended > 0 {
		k.put(k.ended-1, k.last)
	}
	if steps == 1 {
		k.put(0, k.first)
	}
	return k.all
}

func (k *keptPaths) size() (bytes int) {
	for _, paths := range k.all {
		bytes += pathsSize + len(paths.Target) + len(paths.Output)
	}
	return bytes
}

// pathsSize is what an entry of the map takes beside its text.
const pathsSize = 64

func possible(path string) string {
	if len(path) > longestPath {
		return ""
	}
	return path
}
