package probe

import (
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-facefusion/otelcol-facefusion/receiver/facefusionreceiver/internal/metadata"
)

// HostResource is the resource of what belongs to the host as a whole.
func (e *Env) HostResource() pcommon.Resource {
	return e.resource().Emit()
}

// InstanceResource is the resource of what belongs to one FaceFusion instance. With an empty id it
// stands for "none is known".
func (e *Env) InstanceResource(id, version string) pcommon.Resource {
	rb := e.resource()
	rb.SetServiceName("facefusion")
	if id != "" {
		rb.SetServiceInstanceID(id)
	}
	if version != "" {
		rb.SetServiceVersion(version)
	}
	return rb.Emit()
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
