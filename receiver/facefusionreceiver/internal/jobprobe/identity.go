package jobprobe

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/jobqueue"
)

// changeUID is the same for a change that is emitted again.
func changeUID(c *jobqueue.Change) string {
	b := fmt.Appendf(nil, "%s\x00%s\x00%s\x00%s\x00%d", c.Instance, c.Job, c.From, c.To, c.Time.UnixNano())
	hash := sha256.Sum256(b)
	return hex.EncodeToString(hash[:16])
}
