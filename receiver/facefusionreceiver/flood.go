package facefusionreceiver

import (
	"fmt"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"golang.org/x/time/rate"
)

const (
	// floodRate is how many events of a kind pass each second, and floodBurst how many at once. A crash loop that restarts every second passes as a whole, and so do
	// the hundred processes of a batch that start at once; what the driver tells a thousand times a second does not.
	floodRate  = rate.Limit(1)
	floodBurst = 120
	// floodKinds bounds what is remembered. Kinds beyond it share one limit.
	floodKinds = 1024
)

// flood says which events are too many. A kind is an event's name and whose it is: a storm on one GPU hides nothing of another, nor another error of the same one.
// One goroutine at a time uses it.
type flood struct {
	limits map[string]*rate.Limiter
	// others is the limit of the kinds for which there is no room.
	others *rate.Limiter
}

func newFlood() *flood {
	return &flood{limits: make(map[string]*rate.Limiter), others: rate.NewLimiter(floodRate, floodBurst)}
}

// holds says that an event is one too many.
func (f *flood) holds(resource pcommon.Resource, record plog.LogRecord, now time.Time) bool {
	return !f.limit(kind(resource, record), now).AllowN(now, 1)
}

func (f *flood) limit(kind string, now time.Time) *rate.Limiter {
	if limit := f.limits[kind]; limit != nil {
		return limit
	}
	if len(f.limits) >= floodKinds {
		f.forget(now)
	}
	if len(f.limits) >= floodKinds {
		return f.others
	}
	limit := rate.NewLimiter(floodRate, floodBurst)
	f.limits[kind] = limit
	return limit
}

// forget drops what has been quiet for so long that a new limit would be the same.
func (f *flood) forget(now time.Time) {
	for kind, limit := range f.limits {
		if limit.TokensAt(now) >= floodBurst {
			delete(f.limits, kind)
		}
	}
}

// kind is what an event is about, without what is another each time, as a pid is.
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
