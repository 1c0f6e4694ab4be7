package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// options are those of the command line.
type options struct {
	base, programs, config, arch, version, revision, sbom, out string
	created                                                    time.Time
}

func main() {
	var o options
	flag.StringVar(&o.base, "base", "", "root of the base system")
	flag.StringVar(&o.programs, "programs", "", "folder of the programs")
	flag.StringVar(&o.config, "config", "", "folder of the configuration")
	flag.StringVar(&o.arch, "arch", "", "architecture of the programs")
	flag.StringVar(&o.version, "version", "", "version, which becomes the tag")
	flag.StringVar(&o.revision, "revision", "", "commit")
	flag.StringVar(&o.sbom, "sbom", "", "SBOM in CycloneDX")
	flag.StringVar(&o.out, "out", "", "OCI layout to make or to add to")
	flag.Parse()
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

func run(o options) error {
	seconds, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64)
	if err != nil {
		return fmt.Errorf("SOURCE_DATE_EPOCH: %w", err)
	}
	o.created = time.Unix(seconds, 0).UTC()
	path, err := layout.FromPath(o.out)
	if err != nil {
		if path, err = layout.Write(o.out, empty.Index); err != nil {
			return err
		}
	}
	base := newTree(o.created)
	if err := base.addFolder(o.base, "."); err != nil {
		return fmt.Errorf("base: %w", err)
	}
	baseLayer, err := base.layer()
	if err != nil {
		return err
	}
	for _, variant := range []struct {
		suffix string
		caps   bool
	}{{"", false}, {"-capabilities", true}} {
		image, err := o.image(baseLayer, variant.caps)
		if err != nil {
			return err
		}
		tag := o.version + variant.suffix + "-" + o.arch
		if err := path.AppendImage(image, layout.WithAnnotations(map[string]string{refName: tag}), layout.WithPlatform(v1.Platform{OS: "linux", Architecture: o.arch})); err != nil {
			return err
		}
		if err := o.attach(path, image); err != nil {
			return fmt.Errorf("attach the SBOM: %w", err)
		}
	}
	return nil
}

// refName is how an OCI layout calls an image.
const refName = "org.opencontainers.image.ref.name"

// The user of the image has no name on the host, and no rights anywhere.
const user = 10001

func (o options) image(base v1.Layer, capabilities bool) (v1.Image, error) {
	files := newTree(o.created)
	for _, name := range []string{"otelcol-facefusion", "otelcol-facefusion-doctor"} {
		entry := file{path: "usr/bin/" + name, mode: 0o755}
		if capabilities {
			entry.capabilities = agentCapabilities
		}
		if err := files.addFile(filepath.Join(o.programs, name), entry); err != nil {
			return nil, err
		}
	}
	if err := files.addFolder(o.config, "etc/otelcol-facefusion"); err != nil {
		return nil, err
	}
	files.add(file{path: "tmp", folder: true, mode: 0o1777})
	// A volume that is mounted here takes over whose it is.
	files.add(file{path: "var/lib/otelcol-facefusion", folder: true, mode: 0o700, owner: user})
	layer, err := files.layer()
	if err != nil {
		return nil, err
	}
	image := mutate.MediaType(empty.Image, types.OCIManifestSchema1)
	image = mutate.ConfigMediaType(image, types.OCIConfigJSON)
	image, err = mutate.Append(image,
		mutate.Addendum{Layer: base, History: v1.History{Created: v1.Time{Time: o.created}, CreatedBy: "packages of Debian"}},
		mutate.Addendum{Layer: layer, History: v1.History{Created: v1.Time{Time: o.created}, CreatedBy: "otelcol-facefusion " + o.version}},
	)
	if err != nil {
		return nil, err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Created = "linux", o.arch, v1.Time{Time: o.created}
	config.Config = v1.Config{
		User:       fmt.Sprintf("%d:%[1]d", user),
		Entrypoint: []string{"/usr/bin/otelcol-facefusion"},
		Cmd:        []string{"--config=/etc/otelcol-facefusion/agent.yaml"},
		WorkingDir: "/",
		Env: []string{
			"PATH=/usr/sbin:/usr/bin:/sbin:/bin",
			// For the NVIDIA runtime: all GPUs, and of the driver no more than the management
			// library.
			"NVIDIA_VISIBLE_DEVICES=all", "NVIDIA_DRIVER_CAPABILITIES=utility",
			"STATE_DIRECTORY=/var/lib/otelcol-facefusion",
		},
		Healthcheck: &v1.HealthConfig{
			Test:     []string{"CMD", "/usr/bin/otelcol-facefusion-doctor", "--health=http://127.0.0.1:13133/"},
			Interval: 30 * time.Second, Timeout: 10 * time.Second, StartPeriod: 20 * time.Second, Retries: 3,
		},
		Labels: o.labels(),
	}
	return mutate.ConfigFile(image, config)
}

func (o options) labels() map[string]string {
	return map[string]string{
		"org.opencontainers.image.title":         "otelcol-facefusion",
		"org.opencontainers.image.description":   "OpenTelemetry Collector for FaceFusion hosts",
		"org.opencontainers.image.version":       o.version,
		"org.opencontainers.image.revision":      o.revision,
		"org.opencontainers.image.created":       o.created.Format(time.RFC3339),
		"org.opencontainers.image.licenses":      "Apache-2.0",
		"org.opencontainers.image.source":        "https://github.com/otelcol-facefusion/otelcol-facefusion",
		"org.opencontainers.image.documentation": "https://github.com/otelcol-facefusion/otelcol-facefusion/blob/main/docs/install.md",
		"org.opencontainers.image.base.name":     "debian:12",
	}
}
