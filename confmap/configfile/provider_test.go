package configfile

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
)

func written(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

func retrieve(t *testing.T, file string) (*confmap.Retrieved, error) {
	t.Helper()
	provider := NewFactory().Create(confmap.ProviderSettings{})
	retrieved, err := provider.Retrieve(t.Context(), provider.Scheme()+":"+file, nil)
	require.NoError(t, provider.Shutdown(t.Context()))
	return retrieved, err
}

// TestWhatIsNoYAMLIsNamed: the Collector says "found character that cannot start any token", of no
// file.
func TestWhatIsNoYAMLIsNamed(t *testing.T) {
	for text, want := range map[string]string{
		"receivers:\n\tfacefusion:\n":                     ":2: is indented by a tab: indent it by spaces",
		"receivers:\n  facefusion: {web\nexporters: {}\n": ": is no YAML: did not find expected",
	} {
		file := written(t, "mine.yaml", text)
		_, err := retrieve(t, file)
		require.ErrorContains(t, err, file)
		require.ErrorContains(t, err, want)
	}
}

// TestAPartOfAConfigurationMayBeAnything: ${file:…} refers to passwords and sections.
func TestAPartOfAConfigurationMayBeAnything(t *testing.T) {
	for _, text := range []string{"p\t{assw: ord", "\tx: {", "", "5", "facefusion: {}\n"} {
		_, err := retrieve(t, written(t, "part", text))
		require.NoError(t, err, text)
	}
	_, err := retrieve(t, "/nowhere/agent.yaml")
	require.ErrorContains(t, err, "/nowhere/agent.yaml")
	Take()
}

// TestTake: the files in the order in which they were read last.
func TestTake(t *testing.T) {
	first, second := written(t, "first.yaml", "service:\n  extensions: [a]\n"), written(t, "second.yaml", "# text\nservice: {}\n")
	for _, file := range []string{first, second, first} {
		_, err := retrieve(t, file)
		require.NoError(t, err)
	}
	sources := Take()
	require.Len(t, sources, 2)
	require.Equal(t, []string{second, first}, []string{sources[0].Name, sources[1].Name})
	require.Equal(t, "a", sources[1].Value("service", "extensions").Content[0].Value)
	require.Nil(t, sources[0].Value("service", "extensions"))
	require.Nil(t, SourceFile{Root: sources[0].Root.Content[0]}.Value("receivers"))
	require.Equal(t, first+":2", Where(sources, "service", "extensions"))
	require.Equal(t, second+":2", Where(sources[:1], "service"))
	require.Empty(t, Where(sources, "exporters", "x"))
	require.Empty(t, Take())
}

// TestWhatCanBeReadOnce: a pipe, as a shell gives it for <(envsubst), was read twice, and was empty
// the second time. The agent started with nothing, or with half of its files.
func TestWhatCanBeReadOnce(t *testing.T) {
	out, in, err := os.Pipe()
	require.NoError(t, err)
	defer out.Close()
	_, err = in.WriteString("service: {extensions: [a]}\n")
	require.NoError(t, err)
	require.NoError(t, in.Close())
	pipe := fmt.Sprintf("/dev/fd/%d", out.Fd())
	retrieved, err := retrieve(t, pipe)
	require.NoError(t, err)
	conf, err := retrieved.AsConf()
	require.NoError(t, err)
	require.Equal(t, []any{"a"}, conf.Get("service::extensions"))
	require.Len(t, Take(), 1)
}
