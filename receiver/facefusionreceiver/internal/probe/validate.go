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
	return fmt.Errorf("%s is %v: give at least %v, or leave it out for %s%s", field, value, least, brief(normal), Unitless(value))
}

// ZeroOrAtLeast is AtLeast where zero has a meaning of its own.
func ZeroOrAtLeast(field string, value, least time.Duration, zero string) error {
	if value == 0 || value >= least {
		return nil
	}
	return fmt.Errorf("%s is %v: give at least %v, or 0s for %s%s", field, value, least, zero, Unitless(value))
}

// Between refuses a duration that is not of the range.
func Between(field string, value, least, most, normal time.Duration) error {
	if value >= least && value <= most {
		return nil
	}
	return fmt.Errorf("%s is %v: give %v to %s, or leave it out for %s%s", field, value, least, brief(most), brief(normal), Unitless(value))
}

// Unitless says what a number without a unit is, where the value looks like one: YAML's 15 is 15ns.
func Unitless(value time.Duration) string {
	if value <= 0 || value >= time.Millisecond {
		return ""
	}
	return fmt.Sprintf(" (%d without a unit is nanoseconds)", value)
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
