package jobfile

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestRecordedJobs parses what FaceFusion 3.0 to 3.8 wrote.
func TestRecordedJobs(t *testing.T) {
	models := map[string]string{"3.0.0": "inswapper_128_fp16", "3.2.0": "inswapper_128_fp16", "3.8.1": "hyperswap_1a_256"}
	want := map[string][]Status{
		"drafted/nightly-000-empty.json":     {},
		"drafted/nightly-001.json":           {StatusDrafted, StatusDrafted},
		"queued/nightly-001.json":            {StatusQueued, StatusQueued},
		"queued/nightly-001.started.json":    {StatusStarted, StatusQueued},
		"completed/nightly-001.json":         {StatusCompleted, StatusCompleted},
		"failed/nightly-002.json":            {StatusCompleted, StatusFailed, StatusQueued},
		"completed/nightly-002.retried.json": {StatusCompleted, StatusCompleted, StatusCompleted},
	}
	for version, model := range models {
		for name, statuses := range want {
			text, err := os.ReadFile(filepath.Join("../../../testdata/jobs", version, name))
			require.NoError(t, err)
			d, err := Parse(bytes.NewReader(text), KeepNeeded)
			require.NoError(t, err, "%s %s", version, name)
			got := []Status{}
			traits := Traits{MediaVideo, "face_swapper", model, "libx264"}
			if strings.Contains(name, "nightly-001") {
				traits.Processors, traits.Models = "face_enhancer,face_swapper", "gfpgan_1.4,"+model
			}
			for _, s := range d.Steps {
				got = append(got, s.Status)
				assert.Equal(t, traits, s.Traits, "%s %s", version, name)
			}
			assert.Equal(t, statuses, got, "%s %s", version, name)
			assert.False(t, d.Created.IsZero())
			assert.Equal(t, len(statuses) == 0, d.Updated.IsZero(), "only a new job has never been updated")
		}
	}
}

func TestParseTolerates(t *testing.T) {
	for name, text := range map[string]string{
		"unknown keys":          `{"steps": [{"status": "started", "priority": 7, "args": {"a": {"b": [1]}}}], "retries": 3}`,
		"other types":           `{"version": 1, "date_created": 5, "date_updated": [], "steps": [{"status": "started", "args": {"processors": "face_swapper", "target_path": null}}]}`,
		"no arguments":          `{"steps": [{"status": "started"}]}`,
		"arguments of no kind":  `{"steps": [{"args": 5, "status": "started"}]}`,
		"a date of another age": `{"date_created": "yesterday", "steps": [{"status": "started"}]}`,
	} {
		d, err := Parse(strings.NewReader(text), KeepNeeded)
		require.NoError(t, err, name)
		require.Len(t, d.Steps, 1, name)
		assert.Equal(t, StatusStarted, d.Steps[0].Status, name)
		assert.True(t, d.Created.IsZero(), name)
	}
}

func TestParseRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "half": `{"steps": [{"status": "sta`, "nothing": "null", "list": "[]", "number": "5", "no steps": "{}", "steps of no kind": `{"steps": 5}`,
		"text behind it": `{"steps": []} {"steps": []}`, "deep": strings.Repeat("[", 1<<20),
	} {
		_, err := Parse(strings.NewReader(text), KeepNeeded)
		assert.Error(t, err, name)
	}
}

func TestDates(t *testing.T) {
	for text, want := range map[string]time.Time{
		"2026-11-22T16:13:21.123456+00:00": time.Date(2026, 11, 22, 16, 13, 21, 123456000, time.UTC),
		"2026-11-22T16:13:21-05:00":        time.Date(2026, 11, 22, 21, 13, 21, 0, time.UTC),
		"2026-11-22T16:13:21.5+05:45":      time.Date(2026, 11, 22, 10, 28, 21, 500000000, time.UTC),
		"":                                 {}, "now": {},
	} {
		assert.True(t, want.Equal(date(text)), text)
	}
}

func TestTraits(t *testing.T) {
	every := arguments{
		Target: "/home/somebody/clip.MP4", Output: "/out/clip.mp4", Encoder: "hevc_nvenc",
		AgeModifier: "a1", BackgroundRemover: "b2", ExpressionRestorer: "c3", FaceEditor: "d4", FaceEnhancer: "e5", FaceSwapper: "f6",
		FrameColorizer: "g7", FrameEnhancer: "h8", LipSyncer: "i9",
	}
	for name, c := range map[string]struct {
		processors []string
		model      string
		want       Traits
	}{
		"models of those in use": {[]string{"face_swapper", "face_enhancer"}, "f6", Traits{MediaVideo, "face_enhancer,face_swapper", "e5,f6", "hevc_nvenc"}},
		"all": {
			[]string{
				"age_modifier", "background_remover", "deep_swapper", "expression_restorer", "face_debugger", "face_editor", "face_enhancer", "face_swapper",
				"frame_colorizer", "frame_enhancer", "lip_syncer",
			}, "f6",
			Traits{
				MediaVideo,
				"age_modifier,background_remover,deep_swapper,expression_restorer,face_debugger,face_editor,face_enhancer,face_swapper,frame_colorizer,frame_enhancer,lip_syncer",
				"a1,b2,c3,d4,e5,f6,g7,h8,i9", "hevc_nvenc",
			},
		},
		"none":            {nil, "f6", Traits{MediaVideo, "", "", "hevc_nvenc"}},
		"unknown":         {[]string{"x", "y", "face_swapper"}, "f6", Traits{MediaVideo, "face_swapper,other", "f6", "hevc_nvenc"}},
		"twice":           {[]string{"face_swapper", "face_swapper"}, "f6", Traits{MediaVideo, "face_swapper", "f6", "hevc_nvenc"}},
		"a model by path": {[]string{"face_swapper"}, "../home/somebody/her.onnx", Traits{MediaVideo, "face_swapper", "other", "hevc_nvenc"}},
		"a long model":    {[]string{"face_swapper"}, strings.Repeat("a", 49), Traits{MediaVideo, "face_swapper", "other", "hevc_nvenc"}},
		"no model":        {[]string{"face_swapper"}, "", Traits{MediaVideo, "face_swapper", "", "hevc_nvenc"}},
	} {
		a := every
		a.Processors, a.FaceSwapper = c.processors, c.model
		assert.Equal(t, c.want, traitsOf(&a), name)
	}
	every.Target = "/in/face.png"
	assert.Empty(t, traitsOf(&every).Encoder, "an image has none, although every step names one")
}

func TestMedia(t *testing.T) {
	for target, want := range map[string]Media{
		"a.jpg": MediaImage, "a.JPEG": MediaImage, "a.webp": MediaImage, "a.mkv": MediaVideo, "/x.mp4/a": MediaOther, "": MediaOther, "a.tar.gz": MediaOther, "a.mov": MediaVideo,
	} {
		assert.Equal(t, want, mediaOf(target), target)
	}
}

func TestOrigin(t *testing.T) {
	for id, want := range map[string]Origin{
		"ui-2026-11-22-16-13-21": OriginUI, "headless-2026-11-22-16-13-21": OriginHeadless, "batch-1": OriginBatch, "ui": OriginOther, "uix-1": OriginOther, "": OriginOther,
		"nightly-001": OriginOther, "other-1": OriginOther,
	} {
		assert.Equal(t, want, OriginOf(id), id)
	}
}

func FuzzParse(f *testing.F) {
	paths, err := filepath.Glob("../../../testdata/jobs/*/*/*.json")
	require.NoError(f, err)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		require.NoError(f, err)
		f.Add(text)
		f.Add(text[:len(text)/2])
	}
	f.Add([]byte(`{"steps": [{"args": {"processors": ["face_swapper", "\ud800"], "face_swapper_model": "a,b"}, "status": "started"}, null]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := Parse(bytes.NewReader(text), KeepNeeded)
		if err != nil {
			return
		}
		if !json.Valid(text) {
			t.Fatal("accepts what is not JSON")
		}
		for _, s := range d.Steps {
			known := map[string]bool{Other: true, "": true}
			for _, p := range processorTable {
				known[p.name] = true
			}
			for name := range strings.SplitSeq(s.Traits.Processors, ",") {
				if !known[name] {
					t.Fatalf("processor %q is on no list", name)
				}
			}
			for name := range strings.SplitSeq(s.Traits.Models, ",") {
				if bounded(name) != name {
					t.Fatalf("model %q is not bounded", name)
				}
			}
		}
	})
}
