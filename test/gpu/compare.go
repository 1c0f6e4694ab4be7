//go:build linux && cgo

package main

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
)

// comparison is one figure of one GPU.
type comparison struct {
	GPU     string    `json:"gpu"`
	Metric  string    `json:"metric"`
	Labels  labelSet  `json:"labels,omitempty"`
	Source  string    `json:"nvidia_smi"`
	Theirs  string    `json:"theirs"`
	Ours    string    `json:"ours"`
	Unit    float64   `json:"unit"`
	Exact   bool      `json:"exact"`
	Verdict agreement `json:"verdict"`
	Why     string    `json:"why,omitempty"`
}

type agreement string

const (
	equal   agreement = "equal"
	differs agreement = "differs"
	// neither: this GPU has no such figure, as both say.
	neither agreement = "neither"
	// unasked: this nvidia-smi does not have the field.
	unasked agreement = "unasked"
)

// key identifies what is compared.
func (c *comparison) key() string {
	text := c.GPU + " " + c.Metric
	for _, k := range slices.Sorted(maps.Keys(c.Labels)) {
		text += " " + c.Labels[k]
	}
	return text
}

// compare judges one page against what nvidia-smi said while it was made. What moves must lie
// between the least and the most of that.
func compare(page []sample, said []map[string]smiAnswers) (list []comparison) {
	if len(said) == 0 {
		return nil
	}
	for _, uuid := range slices.Sorted(maps.Keys(said[0])) {
		these := figuresOf(said[0][uuid])
		for i := range these {
			list = append(list, compareOne(&these[i], uuid, page, said))
		}
	}
	// A GPU or MIG device of the page that nvidia-smi does not have.
	for _, s := range page {
		if id := s.labels["hw_id"]; s.name == "nvidia_gpu_info" && said[0][id] == nil {
			list = append(list, comparison{GPU: id, Metric: "nvidia_gpu_info", Source: "uuid", Ours: id, Theirs: "-", Exact: true, Verdict: differs, Why: "nvidia-smi has no such GPU"})
		}
	}
	return list
}

func compareOne(f *figure, uuid string, page []sample, said []map[string]smiAnswers) comparison {
	c := comparison{GPU: uuid, Metric: f.metric, Labels: f.labels, Source: f.source, Unit: f.unit, Exact: f.exact, Ours: "-", Theirs: "-"}
	ours, known := f.ours(uuid, page)
	if known {
		c.Ours = fmt.Sprintf("%g", ours)
	}
	var theirs []float64
	asked := false
	for _, all := range said {
		text, there := all[uuid][f.source]
		if !there {
			continue
		}
		asked = true
		c.Theirs = text
		if v, ok := f.number(text); ok {
			theirs = append(theirs, v*f.unit)
		}
	}
	c.Verdict, c.Why = f.judge(ours, known, theirs, asked)
	return c
}

// ours is the value on the page; of a label, what stands for its text.
func (f *figure) ours(uuid string, page []sample) (float64, bool) {
	if f.metric == "nvidia_gpu_count" {
		for _, s := range page {
			if s.name == f.metric {
				return s.value, true
			}
		}
		return 0, false
	}
	if label := f.labels[labelOf]; label != "" {
		s, there := of(page, uuid, f.metric, nil)
		return hash(s.labels[label]), there && s.labels[label] != ""
	}
	s, there := of(page, uuid, f.metric, f.labels)
	return s.value, there
}

func (f *figure) number(text string) (float64, bool) {
	if f.read != nil {
		return f.read(text)
	}
	return numeric(text)
}

func (f *figure) judge(ours float64, known bool, theirs []float64, asked bool) (agreement, string) {
	switch {
	case !asked:
		return unasked, "this nvidia-smi does not have it"
	case !known && len(theirs) == 0:
		return neither, ""
	case known && len(theirs) == 0:
		return differs, "nvidia-smi says that there is none"
	case !known && f.zeroIsAbsent && slices.Max(theirs) == 0:
		return neither, "zero is no sensor"
	case !known && f.source == "encoder.stats.averageFps", !known && f.source == "encoder.stats.averageLatency":
		if slices.Max(theirs) == 0 {
			return neither, "no session"
		}
		return differs, "not on the page"
	case !known:
		return differs, "not on the page"
	case f.exact && slices.Contains(theirs, ours):
		return equal, ""
	case f.exact:
		return differs, ""
	case f.near(ours, slices.Min(theirs), slices.Max(theirs)):
		return equal, ""
	default:
		return differs, ""
	}
}

// near says whether a value lies between two others, with what rounding may cost on each side.
func (f *figure) near(v, least, most float64) bool {
	slack := cmp.Or(f.rounding, f.unit) + 1e-9*math.Abs(v)
	return v >= least-slack && v <= most+slack
}

// better keeps, of several rounds, the best verdict of each figure: what moves may have been caught
// between two looks in one of them.
func better(rounds [][]comparison) []comparison {
	var list []comparison
	place := make(map[string]int)
	for _, round := range rounds {
		for _, c := range round {
			at, there := place[c.key()]
			if !there {
				place[c.key()] = len(list)
				list = append(list, c)
			} else if list[at].Verdict == differs {
				list[at] = c
			}
		}
	}
	return list
}
