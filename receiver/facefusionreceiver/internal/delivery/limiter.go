package delivery

import (
	"fmt"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"golang.org/x/time/rate"
)

const (
	// eventRate is how many events of a kind pass each second, and eventBurst how many at once. A
	// crash loop that restarts every second passes as a whole, and so do the hundred processes of a
	// batch that start at once; what the driver reports a thousand times a second does not.
	eventRate  = rate.Limit(1)
	eventBurst = 120
	// maxKinds bounds the limiters. Kinds beyond it share one.
	maxKinds = 1024
)

// eventLimiter limits the rate of events per kind: an event's name and whose it is. A storm on one
// GPU suppresses no event of another GPU, nor another error of the same one. One goroutine at a
// time uses it.
type eventLimiter struct {
	kinds map[string]*rate.Limiter
	// others is the limiter of the kinds for which there is no room.
	others *rate.Limiter
}

func newEventLimiter() *eventLimiter {
	return &eventLimiter{kinds: make(map[string]*rate.Limiter), others: rate.NewLimiter(eventRate, eventBurst)}
}

// allow says whether an event may pass.
func (l *eventLimiter) allow(resource pcommon.Resource, record plog.LogRecord, now time.Time) bool {
	return l.limiter(kind(resource, record), now).AllowN(now, 1)
}

func (l *eventLimiter) limiter(kind string, now time.Time) *rate.Limiter {
	if limiter := l.kinds[kind]; limiter != nil {
		return limiter
	}
	if len(l.kinds) >= maxKinds {
		l.evict(now)
	}
	if len(l.kinds) >= maxKinds {
		return l.others
	}
	limiter := rate.NewLimiter(eventRate, eventBurst)
	l.kinds[kind] = limiter
	return limiter
}

// evict drops the limiters that have been quiet for so long that a new one would be the same.
func (l *eventLimiter) evict(now time.Time) {
	for kind, limiter := range l.kinds {
		if limiter.TokensAt(now) >= eventBurst {
			delete(l.kinds, kind)
		}
	}
}

// kind is what an event is about, without attributes that differ each time, as a pid does.
func kind(resource pcommon.Resource, record plog.LogRecord) string {
	var b strings.Builder
	b.WriteString(record.EventName())
	if id, ok := resource.Attributes().Get("service.instance.id"); ok {
		fmt.Fprintf(&b, " %q", id.Str())
	}
	for _, name := range []string{"hw.id", "nvidia.xid.code", "facefusion.process.role", "server.port"} {
		if v, ok := record.Attributes().Get(name); ok {
			fmt.Fprintf(&b, " %q", v.AsString())
		}
	}
	return b.String()
}
