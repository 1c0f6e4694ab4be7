package gpu

// RecoveryAction is the driver's recommendation to recover a GPU.
type RecoveryAction string

// The actions. Drain: start nothing new on the GPU, and let running work finish; unknown actions
// count as Drain. A drain that is followed by a reset counts as Reset.
const (
	RecoveryNone   RecoveryAction = "none"
	RecoveryDrain  RecoveryAction = "drain"
	RecoveryReset  RecoveryAction = "reset"
	RecoveryReboot RecoveryAction = "reboot"
)

// recoveryActions maps the numbers of nvml.h (nvmlDeviceGpuRecoveryAction_t). Higher numbers come
// from later drivers.
var recoveryActions = [...]RecoveryAction{
	RecoveryNone,
	RecoveryReset,  // of the GPU
	RecoveryReboot, // of the node
	RecoveryDrain,  // of its traffic with other GPUs
	RecoveryReset,  // after a drain
	RecoveryDrain,  // and recover the domain of NVLink
	RecoveryReset,  // of the bus
	RecoveryReboot, // of the system
}

// recoveryLimit is above any action and below any sentinel.
const recoveryLimit = 255

func actionOf(number uint64) RecoveryAction {
	if number < uint64(len(recoveryActions)) {
		return recoveryActions[number]
	}
	return RecoveryDrain
}
