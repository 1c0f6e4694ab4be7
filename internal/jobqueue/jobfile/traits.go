package jobfile

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// Origin is who made a job. The set is fixed, so that it may become an attribute.
type Origin string

// The origins. The first three are known from the ids that FaceFusion gives.
const (
	OriginUI       Origin = "ui"
	OriginHeadless Origin = "headless"
	OriginBatch    Origin = "batch"
	// OriginCommandLine is job-create, OriginCaller another program that calls FaceFusion's code.
	// The ids of their jobs do not show them: they are found by the processes that were running.
	OriginCommandLine Origin = "command_line"
	OriginCaller      Origin = "caller"
	OriginOther       Origin = "other"
)

// OriginOf returns the origin that the job's id shows.
func OriginOf(id string) Origin {
	prefix, _, found := strings.Cut(id, "-")
	switch origin := Origin(prefix); origin {
	case OriginUI, OriginHeadless, OriginBatch:
		if found {
			return origin
		}
	}
	return OriginOther
}

// suggestedID matches the ids that FaceFusion gives to jobs which it creates, submits and runs in
// one go.
var suggestedID = regexp.MustCompile(`^(ui|headless|batch)-\d{4}(-\d{2}){5}$`)

// Suggested says that FaceFusion made the id itself, and so created, submitted and ran the job in
// one go.
func Suggested(id string) bool { return suggestedID.MatchString(id) }

// Media is what a step works on. The set is fixed, so that it may become an attribute.
type Media string

// The media, after the extension of the target.
const (
	MediaImage Media = "image"
	MediaVideo Media = "video"
	MediaOther Media = "other"
	// MediaMixed is that of a job whose steps differ.
	MediaMixed Media = "mixed"
)

func mediaOf(target string) Media {
	switch strings.ToLower(path.Ext(target)) {
	case ".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp":
		return MediaImage
	case ".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mxf", ".webm", ".wmv":
		return MediaVideo
	default:
		return MediaOther
	}
}

// Traits distinguish steps. All are from short lists, so that they may become attributes.
type Traits struct {
	Media Media
	// Processors are those in use, sorted, joined by commas; one that we do not know is "other".
	Processors string
	// Models are those of the processors in use, in the same order, joined by commas. Not among
	// them are the models of the deep swapper: they bear names of persons.
	Models string
	// Encoder of a video; empty for all else.
	Encoder string
}

// Other stands for whatever is not on a list.
const Other = "other"

// word is what a name of FaceFusion's own lists looks like. Others may be text of a user.
var word = regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]{0,47}$`)

func traitsOf(a *arguments) Traits {
	t := Traits{Media: mediaOf(a.Target)}
	t.Processors, t.Models = processorsOf(a)
	if t.Media == MediaVideo {
		t.Encoder = bounded(a.Encoder)
	}
	return t
}

func bounded(name string) string {
	if name == "" || word.MatchString(name) {
		return name
	}
	return Other
}

// processorsOf knows the processors of FaceFusion 3.0 to 3.8.
func processorsOf(a *arguments) (processors, models string) {
	var names, used []string
	for _, name := range a.Processors {
		if !slices.ContainsFunc(processorTable[:], func(p processor) bool { return p.name == name }) {
			name = Other
		}
		names = append(names, name)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	for _, p := range processorTable {
		if slices.Contains(names, p.name) && p.model != nil {
			if model := bounded(p.model(a)); model != "" {
				used = append(used, model)
			}
		}
	}
	return strings.Join(names, ","), strings.Join(used, ",")
}

type processor struct {
	name  string
	model func(*arguments) string // nil where it has none, or none that may be reported
}

// processorTable is sorted by name.
var processorTable = [...]processor{
	{"age_modifier", func(a *arguments) string { return a.AgeModifier }},
	{"background_remover", func(a *arguments) string { return a.BackgroundRemover }},
	{"deep_swapper", nil},
	{"expression_restorer", func(a *arguments) string { return a.ExpressionRestorer }},
	{"face_debugger", nil},
	{"face_editor", func(a *arguments) string { return a.FaceEditor }},
	{"face_enhancer", func(a *arguments) string { return a.FaceEnhancer }},
	{"face_swapper", func(a *arguments) string { return a.FaceSwapper }},
	{"frame_colorizer", func(a *arguments) string { return a.FrameColorizer }},
	{"frame_enhancer", func(a *arguments) string { return a.FrameEnhancer }},
	{"lip_syncer", func(a *arguments) string { return a.LipSyncer }},
}

// maxTraits is how many different traits the steps of a job may have. Those beyond are other.
const maxTraits = 200

// traitsTable lets equal traits share their text: most steps of a job do the same.
type traitsTable struct {
	known map[Traits]Traits
	size  int // of the text
}

func (t *traitsTable) share(traits Traits) Traits {
	if shared, there := t.known[traits]; there {
		return shared
	}
	if len(t.known) >= maxTraits {
		return Traits{Media: traits.Media, Processors: Other, Models: Other}
	}
	if t.known == nil {
		t.known = make(map[Traits]Traits)
	}
	t.known[traits] = traits
	t.size += len(traits.Processors) + len(traits.Models) + len(traits.Encoder)
	return traits
}
