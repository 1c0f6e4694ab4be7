package jobqueue

import "github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue/jobsdir"

// irregulars are the names in a status folder that are no regular files. A hard link to a FIFO
// costs whoever makes it next to nothing, so a few are remembered, and the rest is only counted.
type irregulars struct {
	known map[uint64]uint32 // generation, by the hash of the name
	// more is how many the last listing named beside those, and more were found since; listing is
	// the same of the listing under way.
	more, listing int
}

// maxIrregular is how many of a jobs folder are remembered.
const maxIrregular = 10_000

func (n *irregulars) count() int { return len(n.known) + n.more }

// noteIrregular notes a name that is no regular file.
func (f *jobsFolder) noteIrregular(d *statusDir, hash uint64) {
	if _, known := d.irregular.known[hash]; known || f.irregulars() < maxIrregular && f.share.fits(f.bytes(), finishedBytes) == nil {
		d.irregular.known[hash] = d.Generation
		return
	}
	if d.Listing() {
		d.irregular.listing++
	} else {
		d.irregular.more++ // a listing counts anew
	}
}

// irregulars are how many are remembered.
func (f *jobsFolder) irregulars() (n int) {
	for i := range f.dirs {
		n += len(f.dirs[i].irregular.known)
	}
	return n
}

// listed ends a listing.
func (n *irregulars) listed(d *jobsdir.Dir) {
	n.more = n.listing
	for hash, generation := range n.known {
		if generation != d.Generation {
			delete(n.known, hash)
		}
	}
}

// forget is for a folder that is gone.
func (n *irregulars) forget() {
	clear(n.known)
	n.more = 0
}
