package processprobe

import (
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
)

// hinted is when each hint was seen last that was logged, by user and expression.
type hinted map[int]map[string]time.Time

// How many hints of a user are logged until they are forgotten, and of how many users: nobody keeps
// those of another from being reported.
const (
	maxUserHinted  = 8
	maxHintedUsers = 64
	hintForgotten  = 24 * time.Hour
)

// first says whether a hint is to be logged.
func (l hinted) first(h process.Hint, now time.Time) bool {
	own := l[h.UID]
	if own == nil {
		if len(l) >= maxHintedUsers {
			return false
		}
		own = map[string]time.Time{}
		l[h.UID] = own
	}
	_, known := own[h.Cmdline]
	if !known && len(own) >= maxUserHinted {
		return false
	}
	own[h.Cmdline] = now
	return !known
}

// forget drops the hints that were not seen for long.
func (l hinted) forget(now time.Time) {
	for uid, own := range l {
		for expression, seen := range own {
			if now.Sub(seen) > hintForgotten {
				delete(own, expression)
			}
		}
		if len(own) == 0 {
			delete(l, uid)
		}
	}
}

// reportHints logs, once for each program, what may be FaceFusion, with the match to add.
func (p *Probe) reportHints(snapshot *process.Snapshot) {
	p.hinted.forget(snapshot.Time)
	for _, h := range snapshot.Hints {
		if p.hinted.first(h, snapshot.Time) {
			match := "cmdline: '" + strings.ReplaceAll(h.Cmdline, "'", "''") + "'"
			if h.Cmdline == "" {
				match = "pid_file: /PATH/OF/ITS.pid" // a cgroup alone says where, not what
			}
			p.env.Settings.Logger.Info("this may be FaceFusion, and no rule finds it: if it is, add the match", zap.Int("pid", h.PID), zap.String("reason", h.Reason),
				zap.String("match", "instances: [{name: CHOOSE-A-NAME, match: {"+match+"}}]"))
		}
	}
}
