//go:build linux && cgo

package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/xml"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// smiAnswers are nvidia-smi's values for one GPU, as text: by the field of --query-gpu, and by the
// path in the XML of -q, which begins with a slash.
type smiAnswers map[string]string

// element is a node of the XML.
type element struct {
	XMLName  xml.Name
	ID       string    `xml:"id,attr"`
	Text     string    `xml:",chardata"`
	Children []element `xml:",any"`
}

// flatten notes the text of each leaf by its path. Of several of the same name, the first counts.
func (e *element) flatten(path string, into smiAnswers) {
	if len(e.Children) == 0 {
		if _, there := into[path]; !there {
			into[path] = strings.TrimSpace(e.Text)
		}
		return
	}
	for i := range e.Children {
		e.Children[i].flatten(path+"/"+e.Children[i].XMLName.Local, into)
	}
}

func (e *element) child(path ...string) *element {
	for _, name := range path {
		found := -1
		for i := range e.Children {
			if e.Children[i].XMLName.Local == name {
				found = i
				break
			}
		}
		if found < 0 {
			return &element{}
		}
		e = &e.Children[found]
	}
	return e
}

// smi is the nvidia-smi of the host.
type smi struct {
	program string
	// fields are those of --query-gpu that it has; their names change.
	fields []string
	// unknown are those that it does not have.
	unknown []string
}

func newSMI(ctx context.Context, program string, wanted []string) (*smi, error) {
	s := &smi{program: program}
	for _, field := range wanted {
		err := exec.CommandContext(ctx, program, "--query-gpu="+field, "--format=csv,noheader").Run()
		var exit *exec.ExitError
		switch {
		case err == nil:
			s.fields = append(s.fields, field)
		case errors.As(err, &exit):
			s.unknown = append(s.unknown, field)
		default:
			return nil, fmt.Errorf("run nvidia-smi: %w", err)
		}
	}
	return s, nil
}

// ask returns its current values for each GPU, by UUID.
func (s *smi) ask(ctx context.Context) (map[string]smiAnswers, error) {
	out, err := exec.CommandContext(ctx, s.program, "--query-gpu=uuid,"+strings.Join(s.fields, ","), "--format=csv,noheader,nounits").Output()
	if err != nil {
		return nil, fmt.Errorf("ask nvidia-smi: %w", err)
	}
	reader := csv.NewReader(bytes.NewReader(out))
	reader.TrimLeadingSpace = true
	rows, err := reader.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read what nvidia-smi says: %w", err)
	}
	all := make(map[string]smiAnswers)
	for _, row := range rows {
		a := smiAnswers{"uuid": row[0]}
		for i, field := range s.fields {
			a[field] = strings.TrimSpace(row[i+1])
		}
		all[row[0]] = a
	}
	return all, s.askXML(ctx, all)
}

func (s *smi) askXML(ctx context.Context, all map[string]smiAnswers) error {
	out, err := exec.CommandContext(ctx, s.program, "-q", "-x").Output()
	if err != nil {
		return fmt.Errorf("ask nvidia-smi for all: %w", err)
	}
	var log element
	if err := xml.Unmarshal(out, &log); err != nil {
		return fmt.Errorf("read all that nvidia-smi says: %w", err)
	}
	gpus := len(all)
	for i := range log.Children {
		gpu := &log.Children[i]
		a := all[strings.TrimSpace(gpu.child("uuid").Text)]
		if gpu.XMLName.Local != "gpu" || a == nil {
			continue
		}
		gpu.flatten("", a)
		a["/processes"] = processMemory(gpu.child("processes"), nil)
		a["/count"] = fmt.Sprint(gpus)
		a[rowRemapper] = remapperState(gpu)
	}
	return s.askMIG(ctx, &log, all)
}

// rowRemapper is what is wrong with remapped rows: failed, pending or none. The page has one reason
// at a time.
const rowRemapper = "/row_remapper"

func remapperState(gpu *element) string {
	is := func(what string) bool {
		return strings.EqualFold(strings.TrimSpace(gpu.child("remapped_rows", what).Text), "yes")
	}
	switch {
	case is("remapped_row_failure"):
		return "failed"
	case is("remapped_row_pending"):
		return "pending"
	default:
		return "none"
	}
}

// processMemory is the memory of all processes of a GPU together, in MiB, or of those of one of its
// MIG devices. One that computes and draws is there twice, with the same memory.
func processMemory(processes, mig *element) string {
	byPID := make(map[string]float64)
	for i := range processes.Children {
		p := &processes.Children[i]
		if mig != nil && !sameInstance(p, mig) {
			continue
		}
		mib, ok := numeric(p.child("used_memory").Text)
		if !ok {
			return "N/A"
		}
		pid := strings.TrimSpace(p.child("pid").Text)
		byPID[pid] = max(byPID[pid], mib)
	}
	sum := 0.0
	for _, mib := range byPID {
		sum += mib
	}
	return fmt.Sprintf("%g", sum)
}

// computeApps is the memory of each process that computes, in bytes by GPU and pid, as
// --query-compute-apps has it. A process whose memory it does not know is not in it.
func (s *smi) computeApps(ctx context.Context) (map[string]map[int]uint64, error) {
	out, err := exec.CommandContext(ctx, s.program, "--query-compute-apps=gpu_uuid,pid,used_memory", "--format=csv,noheader,nounits").Output()
	if err != nil {
		return nil, fmt.Errorf("ask nvidia-smi for processes: %w", err)
	}
	reader := csv.NewReader(bytes.NewReader(out))
	reader.TrimLeadingSpace, reader.FieldsPerRecord = true, 3
	rows, err := reader.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read what nvidia-smi says of processes: %w", err)
	}
	all := make(map[string]map[int]uint64)
	for _, row := range rows {
		pid, err := strconv.Atoi(strings.TrimSpace(row[1]))
		mebibytes, known := numeric(row[2])
		if err != nil || !known {
			continue
		}
		if all[row[0]] == nil {
			all[row[0]] = make(map[int]uint64)
		}
		all[row[0]][pid] = uint64(mebibytes * mib)
	}
	return all, nil
}
