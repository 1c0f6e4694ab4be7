package probe

import (
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadata"
)

// HostResource is the resource of what belongs to the host as a whole.
func (e *Env) HostResource() pcommon.Resource {
	return e.resource().Emit()
}

// InstanceResource is the resource of the metrics of one FaceFusion instance. With an empty id it
// stands for "none is known". It has no version, so that an upgrade begins no series anew.
func (e *Env) InstanceResource(id string) pcommon.Resource {
	return e.instance(id).Emit()
}

// EventResource is the resource of the events and the spans of one FaceFusion instance, which say
// what version they are of.
func (e *Env) EventResource(id, version string) pcommon.Resource {
	rb := e.instance(id)
	if version != "" {
		rb.SetServiceVersion(version)
	}
	return rb.Emit()
}

func (e *Env) instance(id string) *metadata.ResourceBuilder {
	rb := e.resource()
	rb.SetServiceName("facefusion")
	if id != "" {
		rb.SetServiceInstanceID(id)
	}
	return rb
}

// Version of an instance, as its process table says; empty while unknown.
func (e *Env) Version(instance string) string {
	snapshot := e.Snapshots.Processes.Load()
	if snapshot == nil {
		return ""
	}
	for i := range snapshot.Instances {
		if snapshot.Instances[i].ID == instance {
			return snapshot.Instances[i].Version
		}
	}
	return ""
}

func (e *Env) resource() *metadata.ResourceBuilder {
	rb := metadata.NewResourceBuilder(e.Metrics.ResourceAttributes)
	if e.Host.Name != "" {
		rb.SetHostName(e.Host.Name)
	}
	if e.Host.ID != "" {
		rb.SetHostID(e.Host.ID)
	}
	return rb
}
