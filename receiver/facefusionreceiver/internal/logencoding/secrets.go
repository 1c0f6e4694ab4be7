package logencoding

import (
	"maps"
	"regexp"
	"slices"

	"go.uber.org/zap/zapcore"
)

// secrets are a user and a password in an address, and what follows a scheme of authorization.
var (
	userinfo      = regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://)[^/?#\s"'<>@]*(?:@[^/?#\s"'<>@]*)*@`)
	authorization = regexp.MustCompile(`(?i)\b(bearer|basic) [A-Za-z0-9+/=._~-]{8,}`)
)

func withoutSecrets(text string) string {
	return authorization.ReplaceAllString(userinfo.ReplaceAllString(text, "${1}***@"), "$1 ***")
}

// noise are the messages of the Collector's parts that begin and end, each of which says it of
// itself. Level debug has them all, with the encoding console.
var noise = map[string]bool{
	"Internal trace telemetry disabled": true, "Internal metrics telemetry disabled": true,
	"Starting extensions...": true, "Extension is starting...": true, "Extension started.": true, "Stopping extensions...": true,
	"Starting health_check extension": true, "Health Check state change": true,
	"New queue metadata key not found, attempting to load legacy format.": true, "Initializing new persistent queue": true,
	"Successfully migrated to consolidated metadata format": true, "Development component. May change in the future.": true,
	"Starting shutdown...": true, "Received signal from OS": true,
}

func isNoise(entry *zapcore.Entry) bool {
	return entry.Level <= zapcore.InfoLevel && noise[entry.Message]
}

func sorted(fields map[string]any) []string { return slices.Sorted(maps.Keys(fields)) }
