package gpuprobe

import (
	"go.uber.org/zap"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/gpu/xid"
)

// reportKernelLog says once what became of gpu.kernel_log, and what would help.
func (p *Probe) reportKernelLog(log xid.LogStatus) {
	if log.State == xid.LogOff || !p.once("kernel log "+string(log.State)) {
		return
	}
	logger := p.env.Settings.Logger.With(zap.String("root_path", p.env.RootPath))
	switch log.State {
	case xid.LogRead:
		logger.Info("the kernel's log is read for XIDs")
	case xid.LogNoPermission:
		logger.Warn("no permission to read the kernel's log for XIDs: give the collector CAP_SYSLOG, or set kernel.dmesg_restrict to 0; in a container also give it the device /dev/kmsg; "+
			"for a service of systemd, ProtectKernelLogs must be off", zap.Error(log.Err))
	case xid.LogNotFound:
		logger.Warn("there is no kernel log to read for XIDs: in a container, give it the host's /dev/kmsg below root_path", zap.Error(log.Err))
	default:
		logger.Warn("the kernel's log cannot be read for XIDs, it is tried again", zap.Error(log.Err))
	}
}
