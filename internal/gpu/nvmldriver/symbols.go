//go:build linux && cgo

package nvmldriver

// symbols are the functions of the library behind every go-nvml method that this package calls.
// Where there are several, go-nvml calls the newest that exists, and one of them is sufficient.
// direct.go and lists.go list those that are called without go-nvml. A test reads the source of
// this package and of go-nvml, and fails if something is missing or wrong here.
var symbols = map[string][]string{
	"Init":                               {"nvmlInit", "nvmlInit_v2"},
	"Shutdown":                           {"nvmlShutdown"},
	"SystemGetDriverVersion":             {"nvmlSystemGetDriverVersion"},
	"SystemGetNVMLVersion":               {"nvmlSystemGetNVMLVersion"},
	"SystemGetCudaDriverVersion":         {"nvmlSystemGetCudaDriverVersion"},
	"SystemGetCudaDriverVersion_v2":      {"nvmlSystemGetCudaDriverVersion_v2"},
	"DeviceGetCount":                     {"nvmlDeviceGetCount", "nvmlDeviceGetCount_v2"},
	"DeviceGetHandleByIndex":             {"nvmlDeviceGetHandleByIndex", "nvmlDeviceGetHandleByIndex_v2"},
	"GetUUID":                            {"nvmlDeviceGetUUID"},
	"GetName":                            {"nvmlDeviceGetName"},
	"GetPciInfo":                         {"nvmlDeviceGetPciInfo", "nvmlDeviceGetPciInfo_v2", "nvmlDeviceGetPciInfo_v3"},
	"GetVbiosVersion":                    {"nvmlDeviceGetVbiosVersion"},
	"GetUtilizationRates":                {"nvmlDeviceGetUtilizationRates"},
	"GetEncoderUtilization":              {"nvmlDeviceGetEncoderUtilization"},
	"GetDecoderUtilization":              {"nvmlDeviceGetDecoderUtilization"},
	"GetMemoryInfo":                      {"nvmlDeviceGetMemoryInfo"},
	"GetMemoryInfo_v2":                   {"nvmlDeviceGetMemoryInfo_v2"},
	"GetTemperature":                     {"nvmlDeviceGetTemperature"},
	"GetTemperatureV":                    {"nvmlDeviceGetTemperatureV"},
	"GetPowerUsage":                      {"nvmlDeviceGetPowerUsage"},
	"GetTotalEnergyConsumption":          {"nvmlDeviceGetTotalEnergyConsumption"},
	"GetJpgUtilization":                  {"nvmlDeviceGetJpgUtilization"},
	"GetOfaUtilization":                  {"nvmlDeviceGetOfaUtilization"},
	"GetClockInfo":                       {"nvmlDeviceGetClockInfo"},
	"GetMaxClockInfo":                    {"nvmlDeviceGetMaxClockInfo"},
	"GetCurrentClocksEventReasons":       {"nvmlDeviceGetCurrentClocksEventReasons"},
	"GetCurrentClocksThrottleReasons":    {"nvmlDeviceGetCurrentClocksThrottleReasons"},
	"GetPerformanceState":                {"nvmlDeviceGetPerformanceState"},
	"GetEnforcedPowerLimit":              {"nvmlDeviceGetEnforcedPowerLimit"},
	"GetPowerManagementDefaultLimit":     {"nvmlDeviceGetPowerManagementDefaultLimit"},
	"GetPowerManagementLimitConstraints": {"nvmlDeviceGetPowerManagementLimitConstraints"},
	"GetTotalEccErrors":                  {"nvmlDeviceGetTotalEccErrors"},
	"GetTemperatureThreshold":            {"nvmlDeviceGetTemperatureThreshold"},
	"GetRetiredPagesPendingStatus":       {"nvmlDeviceGetRetiredPagesPendingStatus"},
	"GetRemappedRows":                    {"nvmlDeviceGetRemappedRows"},
	"GetEncoderStats":                    {"nvmlDeviceGetEncoderStats"},
	"GetBAR1MemoryInfo":                  {"nvmlDeviceGetBAR1MemoryInfo"},
	"GetNumFans":                         {"nvmlDeviceGetNumFans"},
	"GetFanSpeed":                        {"nvmlDeviceGetFanSpeed"},
	"GetFanSpeed_v2":                     {"nvmlDeviceGetFanSpeed_v2"},
	"GetPcieReplayCounter":               {"nvmlDeviceGetPcieReplayCounter"},
	"GetCurrPcieLinkGeneration":          {"nvmlDeviceGetCurrPcieLinkGeneration"},
	"GetCurrPcieLinkWidth":               {"nvmlDeviceGetCurrPcieLinkWidth"},
	"GetMaxPcieLinkGeneration":           {"nvmlDeviceGetMaxPcieLinkGeneration"},
	"GetMaxPcieLinkWidth":                {"nvmlDeviceGetMaxPcieLinkWidth"},
	"GetFieldValues":                     {"nvmlDeviceGetFieldValues"},
	"GetMigMode":                         {"nvmlDeviceGetMigMode"},
	"GetMaxMigDeviceCount":               {"nvmlDeviceGetMaxMigDeviceCount"},
	"GetMigDeviceHandleByIndex":          {"nvmlDeviceGetMigDeviceHandleByIndex"},
	"GetGpuInstanceId":                   {"nvmlDeviceGetGpuInstanceId"},
	"GpmQueryDeviceSupport":              {"nvmlGpmQueryDeviceSupport"},
	"GpmSampleAlloc":                     {"nvmlGpmSampleAlloc"},
	"GpmSampleFree":                      {"nvmlGpmSampleFree"},
	"GpmSampleGet":                       {"nvmlGpmSampleGet"},
	"GpmMigSampleGet":                    {"nvmlGpmMigSampleGet"},
	"GpmMetricsGet":                      {"nvmlGpmMetricsGet"},
	"EventSetCreate":                     {"nvmlEventSetCreate"},
	"EventSetFree":                       {"nvmlEventSetFree"},
	"RegisterEvents":                     {"nvmlDeviceRegisterEvents"},
}

// exports are the go-nvml methods that may be called.
type exports map[string]bool

// resolveSymbols looks up every symbol of the table in a loaded library.
func resolveSymbols(find func(symbol string) error) exports {
	e := make(exports, len(symbols))
	for method, names := range symbols {
		for _, name := range names {
			if find(name) == nil {
				e[method] = true
			}
		}
	}
	return e
}
