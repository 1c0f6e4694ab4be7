package processprobe

import (
	"slices"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/process"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadata"
	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/probe"
)

// recordHost records what is known of all instances together.
func recordHost(mb *metadata.MetricsBuilder, snapshot *process.Snapshot, ts pcommon.Timestamp) {
	for state := range probe.Values[metadata.AttributeFacefusionProcessVisibility]() {
		mb.RecordFacefusionProcessVisibilityDataPoint(ts, probe.OneIf(sees(snapshot, process.Visibility(state.String()))), state)
	}
	if len(snapshot.Instances) == 0 && len(snapshot.Blind) > 0 {
		return // none is known, and nobody could look
	}
	var up, stopped, unseen int64
	for i := range snapshot.Instances {
		up += probe.OneIf(snapshot.Instances[i].Up())
		stopped += probe.OneIf(snapshot.Instances[i].Stopped)
		unseen += probe.OneIf(snapshot.Instances[i].Unseen && !snapshot.Instances[i].Stopped)
	}
	mb.RecordFacefusionInstancesDataPoint(ts, up, metadata.AttributeFacefusionInstanceStateUp)
	mb.RecordFacefusionInstancesDataPoint(ts, stopped, metadata.AttributeFacefusionInstanceStateStopped)
	mb.RecordFacefusionInstancesDataPoint(ts, int64(len(snapshot.Instances))-up-stopped-unseen, metadata.AttributeFacefusionInstanceStateDown)
}

// sees says whether processes are seen like that.
func sees(snapshot *process.Snapshot, v process.Visibility) bool {
	if v == process.VisibilityComplete {
		return len(snapshot.Blind) == 0
	}
	return slices.ContainsFunc(snapshot.Blind, func(b process.Blindness) bool { return b.Visibility == v })
}

// recordInstance records what is known of one instance.
func recordInstance(mb *metadata.MetricsBuilder, instance *process.Instance, inside bool, now time.Time) {
	ts := pcommon.NewTimestampFromTime(now)
	if !instance.Unseen {
		mb.RecordFacefusionProcessUpDataPoint(ts, probe.OneIf(instance.Up()))
	}
	recordInfo(mb, instance, inside, ts)
	if instance.Configuration != "" {
		for state := range probe.Values[metadata.AttributeFacefusionInstanceConfigurationState]() {
			mb.RecordFacefusionInstanceConfigurationStateDataPoint(ts, probe.OneIf(string(instance.Configuration) == state.String()), state)
		}
	}
	mb.RecordFacefusionProcessStoppedDataPoint(ts, probe.OneIf(instance.Stopped))
	if instance.Container != nil {
		recordContainer(mb, instance.Container, ts)
	}
	for i := range instance.Roles {
		recordRole(mb, &instance.Roles[i], ts, now)
	}
}

// recordInfo says which version the instance is, and whether it is observed from inside as well:
// attributes of this metric alone.
func recordInfo(mb *metadata.MetricsBuilder, instance *process.Instance, inside bool, ts pcommon.Timestamp) {
	var options []metadata.MetricAttributeOption
	if instance.Version != "" {
		options = append(options, metadata.WithServiceVersionMetricAttribute(instance.Version))
	}
	if inside {
		options = append(options, metadata.WithFacefusionInsideMetricAttribute(true))
	}
	mb.RecordFacefusionInstanceInfoDataPoint(ts, 1, options...)
}

func recordRole(mb *metadata.MetricsBuilder, usage *process.RoleUsage, ts pcommon.Timestamp, now time.Time) {
	role := metadata.MapAttributeFacefusionProcessRole[string(usage.Role)]
	mb.RecordFacefusionProcessCountDataPoint(ts, int64(usage.Count), role)
	if !usage.Role.Child() {
		recordLives(mb, usage, ts, role)
	}
	mb.RecordProcessCPUTimeDataPoint(ts, usage.CPUUser, role, metadata.AttributeCPUModeUser)
	mb.RecordProcessCPUTimeDataPoint(ts, usage.CPUSystem, role, metadata.AttributeCPUModeSystem)
	mb.RecordProcessMemoryUsageDataPoint(ts, usage.ResidentMemory, role)
	mb.RecordProcessThreadCountDataPoint(ts, usage.Threads, role)
	if usage.FileDescriptors.Known {
		mb.RecordProcessUnixFileDescriptorCountDataPoint(ts, usage.FileDescriptors.V, role)
	}
	if usage.ReadBytes.Known {
		mb.RecordProcessDiskIoDataPoint(ts, usage.ReadBytes.V, role, metadata.AttributeDiskIoDirectionRead)
	}
	if usage.WriteBytes.Known {
		mb.RecordProcessDiskIoDataPoint(ts, usage.WriteBytes.V, role, metadata.AttributeDiskIoDirectionWrite)
	}
	if !usage.OldestStart.IsZero() {
		mb.RecordProcessUptimeDataPoint(ts, max(0, now.Sub(usage.OldestStart).Seconds()), role)
	}
}

// recordLives records starts and exits. Exits are sent as zero before there is one, so that the
// first shows in a rate.
func recordLives(mb *metadata.MetricsBuilder, usage *process.RoleUsage, ts pcommon.Timestamp, role metadata.AttributeFacefusionProcessRole) {
	mb.RecordFacefusionProcessStartsDataPoint(ts, int64(usage.Starts), role)
	for reason := range probe.Values[metadata.AttributeFacefusionExitReason]() {
		mb.RecordFacefusionProcessExitsDataPoint(ts, int64(usage.Exits[process.ExitReason(reason.String())]), role, reason)
	}
}
