package gpu

// RecoveryAction is what the driver says must be done before a GPU can be relied on again.
type RecoveryAction string

// The actions. Drain: nothing new may be started on the GPU, what runs may end; an action that is
// not known begins so, too. A drain that is to be followed by a reset is a reset.
const (
	RecoveryNone   RecoveryAction = "none"
	RecoveryDrain  RecoveryAction = "drain"
	RecoveryReset  RecoveryAction = "reset"
	RecoveryReboot RecoveryAction = "reboot"
)

// recoveryActions are those of nvml.h (nvmlDeviceGpuRecoveryAction_t), by their number. A number
// that is not here is of a later driver.
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

// recoveryLimit is far beyond any action, and far below any value that means "unknown".
const recoveryLimit = 255

func actionOf(number uint64) RecoveryAction {
	if number < uint64(len(recoveryActions)) {
		return recoveryActions[number]
	}
	return RecoveryDrain
}
