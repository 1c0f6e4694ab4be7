package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// The committed dashboards equal what the program writes, and the folder holds no other file.
func TestDashboardsAreCurrent(t *testing.T) {
	files := render()
	found, err := filepath.Glob("../dashboards/*.json")
	require.NoError(t, err)
	chinese, err := filepath.Glob("../dashboards/zh/*")
	require.NoError(t, err)
	found = append(found, chinese...)
	require.Len(t, found, len(files))
	for name, content := range files {
		committed, err := os.ReadFile(filepath.Join("../dashboards", name))
		require.NoError(t, err)
		require.Equal(t, string(content), string(committed), "run 'make generate'")
	}
}

func TestLineThatDoesNotFill(t *testing.T) {
	b := newLayout("uid", "title", "", nil, nil)
	require.Panics(t, func() { b.line(4, wide(10, panel{}), wide(10, panel{})) })
	require.Panics(t, func() { b.line(4, panel{}, panel{}, panel{}, panel{}, panel{}) })
	require.NotPanics(t, func() { b.line(4, wide(10, panel{}), panel{}) })
}

// Every text has a Chinese translation in zh.json.
func TestEveryTextIsTranslated(t *testing.T) {
	z := newTranslator()
	for _, board := range boards() {
		z.board(board)
	}
	require.Empty(t, z.missing, "texts without a Chinese one in zh.json")
	var unread []string
	for text := range z.texts {
		if !z.used[text] {
			unread = append(unread, text)
		}
	}
	require.Empty(t, unread, "texts of zh.json that no dashboard has")
}
