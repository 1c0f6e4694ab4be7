package process

import (
	"strconv"
	"strings"
	"time"
)

// subordinates are the users whom other users have, as /etc/subuid of the host gives them:
// "name:first:count", see subuid(5). With a program that is set-uid to one of them, a user leaves
// his user namespace as that one.
type subordinates struct {
	read   time.Time
	ranges []subordinateRange
}

type subordinateRange struct{ owner, first, count int }

// ownerOf is who has a user; the user himself where nobody has.
func (f *files) ownerOf(uid int) int {
	if uid < firstSubordinate {
		return uid
	}
	if time.Since(f.subordinates.read) > uidsEvery {
		f.readSubordinates()
	}
	for _, r := range f.subordinates.ranges {
		if uid >= r.first && uid < r.first+r.count {
			return r.owner
		}
	}
	return uid
}

// subordinatesOf are those that a user has.
func (f *files) subordinatesOf(uid int) (list []subordinateRange) {
	if time.Since(f.subordinates.read) > uidsEvery {
		f.readSubordinates()
	}
	for _, r := range f.subordinates.ranges {
		if r.owner == uid {
			list = append(list, r)
		}
	}
	return list
}

// firstSubordinate is below the lowest that useradd gives anybody.
const firstSubordinate = 65_536

func (f *files) readSubordinates() {
	f.subordinates = subordinates{read: time.Now()}
	text, err := f.hostRoot().ReadFile("/etc/subuid", maxPasswd)
	if err != nil {
		return
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Split(strings.TrimSpace(line), ":")
		if len(fields) != 3 {
			continue
		}
		owner, known := f.uid(fields[0])
		if n, err := strconv.Atoi(fields[0]); err == nil {
			owner, known = n, true
		}
		first, err := strconv.Atoi(fields[1])
		count, countErr := strconv.Atoi(fields[2])
		if known && err == nil && countErr == nil {
			f.subordinates.ranges = append(f.subordinates.ranges, subordinateRange{owner, first, count})
		}
	}
}
