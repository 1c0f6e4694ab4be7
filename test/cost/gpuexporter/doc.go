// Command gpuexporter is an exporter that reads NVML at each scrape, like the well-known ones: the
// readings that nvidia-smi's usual fields need, through go-nvml and the Prometheus client.
package main
