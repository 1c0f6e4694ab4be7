package logtest

import (
	"bytes"
	"fmt"
	"io"
	"time"
)

// CRI writes as containerd and CRI-O do for the kubelet: a line for each line, with the tag F, and
// for each 16 KiB of one that is longer one with the tag P.
// https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md
type CRI struct {
	To io.Writer
	// Zone is that of its times: containerd writes UTC, CRI-O the host's.
	Zone *time.Location
	// line has not ended yet.
	line []byte
}

func (c *CRI) Write(data []byte) (int, error) {
	n := len(data)
	for len(data) > 0 {
		end := bytes.IndexByte(data, '\n')
		full := end >= 0 && end <= dockerPart-len(c.line)
		if !full {
			end = min(len(data), dockerPart-len(c.line))
		}
		c.line = append(c.line, data[:end]...)
		data = data[end:]
		switch {
		case full:
			data = data[1:]
			if err := c.entry("F"); err != nil {
				return 0, err
			}
		case len(c.line) == dockerPart:
			if err := c.entry("P"); err != nil {
				return 0, err
			}
		}
	}
	return n, nil
}

func (c *CRI) entry(tag string) error {
	zone := c.Zone
	if zone == nil {
		zone = time.UTC
	}
	_, err := fmt.Fprintf(c.To, "%s stderr %s %s\n", time.Now().In(zone).Format("2006-01-02T15:04:05.000000000Z07:00"), tag, c.line)
	c.line = c.line[:0]
	return err
}

// Close writes what has not ended, as they do when the container ends.
func (c *CRI) Close() error {
	if len(c.line) == 0 {
		return nil
	}
	return c.entry("F")
}
