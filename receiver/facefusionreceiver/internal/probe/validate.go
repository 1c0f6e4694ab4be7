package probe

import (
	"fmt"
	"strings"
	"time"
)

// AtLeast refuses a duration below the least, and names the field, the value and the remedy.
func AtLeast(field string, value, least, normal time.Duration) error {
	if value >= least {
		return nil
	}
	return fmt.Errorf("%s is %v: give at least %v, or leave it out for %s", field, value, least, brief(normal))
}

// brief writes 24h0m0s as a person does, 24h.
func brief(d time.Duration) string {
	text := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = text[:len(text)-2]
		}
	}
	return text
}
