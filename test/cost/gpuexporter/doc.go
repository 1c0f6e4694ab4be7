// Command gpuexporter stands in for an exporter that reads NVML at each scrape, as the well-known
// ones do: the readings that nvidia-smi's usual fields need, through go-nvml and the Prometheus
// client.
package main
