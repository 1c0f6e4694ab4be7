package main

import (
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// cycloneDX is the media type of the SBOM.
const cycloneDX types.MediaType = "application/vnd.cyclonedx+json"

// attach adds the SBOM to the layout, as something that refers to the image: what registries list
// as its referrers.
func (o options) attach(path layout.Path, image v1.Image) error {
	text, err := os.ReadFile(o.sbom)
	if err != nil {
		return err
	}
	subject, err := partial.Descriptor(image)
	if err != nil {
		return err
	}
	artifact := mutate.MediaType(empty.Image, types.OCIManifestSchema1)
	// which is its kind, where a registry does not know of artifactType
	artifact = mutate.ConfigMediaType(artifact, cycloneDX)
	artifact, err = mutate.AppendLayers(artifact, static.NewLayer(text, cycloneDX))
	if err != nil {
		return err
	}
	attached, ok := mutate.Subject(artifact, *subject).(v1.Image)
	if !ok {
		return os.ErrInvalid
	}
	return path.AppendImage(attached)
}
