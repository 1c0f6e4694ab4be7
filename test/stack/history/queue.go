package history

import (
	"slices"
	"time"
)

type queuedJob struct {
	jobKind
	processing
	arrived, started time.Time
	// work left, in seconds of a card that is well.
	work  float64
	fails bool
}

// perHour is the number of new jobs of an instance in the busiest hour.
var perHour = map[string]float64{"image": 26, "video": 11, "other": 1}

// arrive queues new jobs: during working hours, and a batch of videos at two in the morning.
func (i *instance) arrive(t time.Time, d float64) {
	busy := i.m.load(t)
	switch {
	case i.m.during(t, Crowd, i.index):
		busy = 2.6
	case i.gpu != nil && i.m.during(t, Heat, i.gpu.index), i.m.during(t, Burst, i.index), i.m.during(t, Stalled, i.index):
		busy = max(busy, 1.3)
	}
	for n, k := range i.kinds {
		alike := 0
		for _, other := range i.kinds {
			if other.media == k.media {
				alike++
			}
		}
		rate := perHour[k.media] * busy / float64(alike)
		if k.origin == "batch" {
			rate = 0
			if t.Hour() == 2 {
				rate = 14
			}
		}
		for range i.m.often(rate * d / 3600) {
			i.queue(t, t.Add(-time.Duration(d*float64(time.Second))), i.kinds[n])
		}
	}
	if i.m.dice.Float64() < d/14400 {
		i.drafted = float64(i.m.dice.IntN(3))
	}
}

// queue puts a job of a kind at the end, at the beginning of the step that ends at t.
func (i *instance) queue(t, begin time.Time, k jobKind) {
	if !i.up() {
		return
	}
	_, failures := i.m.era(t)
	if i.m.during(t, Burst, i.index) {
		failures = 0.75
	}
	j := &queuedJob{jobKind: k, arrived: begin, work: i.m.lasting(6, 0.45), fails: i.m.dice.Float64() < failures}
	if k.media != "image" {
		j.work = min(i.m.lasting(130, 0.6), 1500)
	}
	if steps := i.steps[k.media]; len(steps) > 0 {
		j.processing = steps[i.m.dice.IntN(len(steps))]
	}
	if j.fails {
		j.work *= 0.3
	}
	i.waiting = append(i.waiting, j)
	if k.origin == "ui" {
		i.meters.add(1, "facefusion_server_requests_total", "start")
	}
}

// work goes on with the queue for a step that ends at t.
func (i *instance) work(t time.Time, d float64) {
	i.busy = 0
	speed, _ := i.m.era(t)
	if i.gpu != nil {
		speed *= i.gpu.speed()
	}
	if !i.up() || i.state == "saturated" || i.stalled && i.running != nil {
		return
	}
	left := d
	for left > 0 {
		if i.running == nil {
			if len(i.waiting) == 0 {
				break
			}
			i.begin(t.Add(-time.Duration(left * float64(time.Second))))
		}
		used := min(left, i.running.work/speed)
		i.running.work -= used * speed
		i.busy += used / d
		left -= used
		if i.running.work <= 1e-6 {
			i.finish(t.Add(-time.Duration(left * float64(time.Second))))
		}
	}
	// Between an orphan's kill and the next job the queue is free.
	if i.m.during(t, Orphan, i.index) {
		if i.orphaned == 0 {
			i.orphaned = 1
			i.orphan()
		}
	} else {
		i.orphaned = 0
	}
}

func (i *instance) begin(at time.Time) {
	i.running = i.waiting[0]
	i.waiting = i.waiting[1:]
	i.running.started = at
	if at.Before(i.running.arrived) {
		i.running.started = i.running.arrived
	}
	if i.running.origin != "ui" {
		i.meters.add(1, "facefusion_process_starts_total", "runner")
	}
}

func (i *instance) finish(at time.Time) {
	j := i.running
	i.running = nil
	outcome, reason := "completed", "completed"
	if j.fails {
		outcome, reason = "failed", "failed"
	}
	took := max(at.Sub(j.started).Seconds(), 0.2)
	wait := j.started.Sub(j.arrived).Seconds() + 0.02*i.m.dice.Float64()
	i.meters.add(1, "facefusion_job_finished_total", j.media, j.origin, outcome)
	i.meters.distribution("facefusion_job_duration_seconds", j.media, j.origin, outcome).observe(took)
	i.meters.distribution("facefusion_job_wait_duration_seconds", j.media, j.origin, outcome).observe(wait)
	i.meters.distribution("facefusion_step_duration_seconds", j.media, outcome, j.processors, j.model).observe(took * 0.97)
	if j.fails {
		i.failed++
	} else {
		i.completed++
	}
	if j.origin != "ui" {
		i.meters.add(1, "facefusion_process_exits_total", "runner", reason)
		return
	}
	if j.fails {
		i.meters.add(1, "facefusion_server_request_failed_total", "start")
	}
	i.recent = append(i.recent, took)
	if len(i.recent) > 60 {
		i.recent = i.recent[1:]
	}
}

// orphan loses the job that runs, or one that would have.
func (i *instance) orphan() {
	k := i.kinds[len(i.kinds)-1]
	if i.running != nil {
		k = i.running.jobKind
		i.running = nil
	}
	i.meters.add(1, "facefusion_job_finished_total", k.media, k.origin, "orphaned")
	if len(i.reasons) > 0 {
		i.meters.add(1, "facefusion_job_lost_total", i.reasons[i.m.dice.IntN(len(i.reasons))])
	}
	i.meters.add(1, "facefusion_process_exits_total", "runner", "killed")
}

// tidy deletes finished jobs once a day.
func (i *instance) tidy(t time.Time) {
	if t.Hour() == 5 && i.tidied != t.YearDay() {
		i.tidied = t.YearDay()
		i.completed, i.failed = 4, min(i.failed, 1)
	}
}

// percentile of the clicks on Start, as Gradio reports it.
func (i *instance) percentile(p float64) float64 {
	if len(i.recent) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(i.recent))
	return sorted[int(p*float64(len(sorted)-1))]
}
