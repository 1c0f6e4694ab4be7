//go:build linux && cgo

package nvmldriver

// replays counts packets that were retransmitted on the PCIe link. GetPcieThroughput is not used,
// because it blocks for 20 ms.
func (h *handle) replays() (uint64, error) {
	if err := h.may("GetPcieReplayCounter"); err != nil {
		return 0, err
	}
	count, code := h.device.GetPcieReplayCounter()
	return uint64(count), failure("GetPcieReplayCounter", code)
}

func (h *handle) linkGeneration() (uint64, error) {
	if err := h.may("GetCurrPcieLinkGeneration"); err != nil {
		return 0, err
	}
	generation, code := h.device.GetCurrPcieLinkGeneration()
	return uint64(generation), failure("GetCurrPcieLinkGeneration", code)
}

func (h *handle) linkWidth() (uint64, error) {
	if err := h.may("GetCurrPcieLinkWidth"); err != nil {
		return 0, err
	}
	lanes, code := h.device.GetCurrPcieLinkWidth()
	return uint64(lanes), failure("GetCurrPcieLinkWidth", code)
}

// maxLinkGeneration is the highest generation that GPU and slot support together.
func (h *handle) maxLinkGeneration() (uint64, error) {
	if err := h.may("GetMaxPcieLinkGeneration"); err != nil {
		return 0, err
	}
	generation, code := h.device.GetMaxPcieLinkGeneration()
	return uint64(generation), failure("GetMaxPcieLinkGeneration", code)
}

func (h *handle) maxLinkWidth() (uint64, error) {
	if err := h.may("GetMaxPcieLinkWidth"); err != nil {
		return 0, err
	}
	lanes, code := h.device.GetMaxPcieLinkWidth()
	return uint64(lanes), failure("GetMaxPcieLinkWidth", code)
}
