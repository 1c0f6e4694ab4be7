package pci

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAddressesOfOneDeviceAreOne(t *testing.T) {
	for _, address := range []string{"0000:41:00.0", "00000000:41:00.0", "41:00.0", "0:41:00.0"} {
		require.Equal(t, "0:41:00.0", ShortAddress(address), address)
		require.Equal(t, "0:41:00", Slot(address), address)
	}
	require.Equal(t, "10000:c1:00.0", ShortAddress("00010000:C1:00.0"))
	require.Equal(t, "0:41:00", Slot("0000:41:00"))
	require.Equal(t, "odd", ShortAddress("odd"))
}

func TestWhetherAllGPUsSleep(t *testing.T) {
	root := t.TempDir()
	device := func(address, vendor, class, status string) {
		dir := filepath.Join(root, "sys/bus/pci/devices", address)
		require.NoError(t, os.MkdirAll(filepath.Join(dir, "power"), 0o755))
		for file, text := range map[string]string{"vendor": vendor, "class": class, "power/runtime_status": status} {
			require.NoError(t, os.WriteFile(filepath.Join(dir, file), []byte(text+"\n"), 0o600))
		}
	}
	bus := Bus{Root: root}
	require.False(t, bus.AllGPUsSuspended(), "no bus")
	device("0000:00:1f.0", "0x8086", "0x060100", "suspended")
	device("0000:41:00.1", "0x10de", "0x040300", "active") // the audio function of a GPU
	require.False(t, bus.AllGPUsSuspended(), "no GPU")
	device("0000:41:00.0", "0x10de", "0x030200", "suspended")
	require.True(t, bus.AllGPUsSuspended())
	device("0000:42:00.0", "0x10de", "0x030000", "active")
	require.False(t, bus.AllGPUsSuspended())
	require.True(t, bus.Suspended("0000:41:00.0"))
	require.False(t, bus.Suspended("0000:42:00.0"))
	require.False(t, bus.Suspended("0000:43:00.0"))
	require.False(t, bus.Suspended(""))
}
