package archtest

// retiredName is a name that was given up for a better one.
type retiredName struct {
	word string
	// whole matches identifiers that are nothing but the word, whatever their first letter. Else it
	// matches a word of an identifier.
	whole bool
	// kind is that of the declarations where it is retired, as in declaration; empty: all.
	kind string
	// in are the folders where it is retired; empty: everywhere.
	in []string
	// instead is what to write.
	instead string
}

var retired = []retiredName{
	{word: "lane", whole: true, instead: "it is a worker, or a delivery queue"},
	{word: "parcel", instead: "it is a batch, or an entry of the outbox"},
	{word: "fate", instead: "it is a result"},
	{word: "settle", whole: true, instead: "it is ack"},
	{word: "left", whole: true, in: []string{"receiver"}, instead: "it is the result Abandoned"},
	{word: "then", whole: true, in: []string{"receiver"}, instead: "it is onDone"},
	{word: "pulse", instead: "it is a scrape trigger"},
	{word: "beat", instead: "it is a tick"},
	{word: "floodgate", instead: "it is an event limiter"},
	{word: "flood", instead: "an event limiter allows and suppresses"},
	{word: "holds", whole: true, in: []string{"receiver"}, instead: "an event limiter allows and suppresses"},
	{word: "withheld", instead: "it is suppressed"},
	{word: "tell", instead: "it is emit, report or send"},
	{word: "tells", instead: "it is emit, report or send"},
	{word: "told", instead: "it is emitted, reported or sent"},
	{word: "untold", instead: "it is unknown"},
	{word: "telling", instead: "it is emit, report or send"},
	{word: "board", whole: true, in: []string{"internal", "receiver"}, instead: "it is a store of snapshots"},
	{word: "memory", whole: true, kind: "type", in: []string{"internal/jobqueue", "internal/process", "internal/webui", "receiver"}, instead: "it is a checkpoint, or the state of what it is of"},
	{word: "cell", whole: true, in: []string{"internal", "receiver"}, instead: "it is Latest"},
	{word: "recall", instead: "it is load or restore"},
	{word: "remember", instead: "it is a checkpoint, or restore"},
	{word: "unsaved", instead: "it is dirty"},
	{word: "ghost", instead: "it is a tombstone"},
	{word: "bury", instead: "it is adding a tombstone, or reaping"},
	{word: "exorcise", instead: "it is dropping a tombstone"},
	{word: "puzzle", instead: "it is markUnparsable"},
	{word: "outwait", instead: "it is expireUnparsable"},
	{word: "books", instead: "it is a transition that is counted"},
	{word: "booked", instead: "it is counted"},
	{word: "shelf", instead: "it is retention"},
	{word: "signs", instead: "it is progress"},
	{word: "life", in: []string{"internal", "receiver"}, instead: "it is evidence"},
	{word: "circumstances", instead: "it is the input of a verdict"},
	{word: "doubt", instead: "it is evaluate"},
	{word: "look", instead: "a probe observes, in passes"},
	{word: "looks", instead: "a probe observes, in passes"},
	{word: "part", whole: true, in: []string{"internal/jobqueue", "internal/gpu"}, instead: "it is a status folder, or a MIG device"},
	{word: "place", whole: true, in: []string{"internal", "receiver"}, instead: "it is a file key, a working directory, or reconcile"},
	{word: "odd", instead: "it is irregular"},
	{word: "oddities", instead: "it is irregular"},
	{word: "stamp", whole: true, instead: "it is a file's stat, setTimestamp, or sinceBoot"},
	{word: "census", instead: "it is a cache of processes"},
	{word: "newcomers", instead: "it is a lister of PIDs"},
	{word: "member", whole: true, instead: "it is a tracked process"},
	{word: "sighting", instead: "it is an observation"},
	{word: "admit", whole: true, instead: "it is track"},
	{word: "meter", whole: true, in: []string{"internal", "receiver"}, instead: "a meter is OpenTelemetry's: it is GPU accounting"},
	{word: "gauge", whole: true, in: []string{"receiver/facefusionreceiver/internal/jobprobe"}, instead: "a gauge is OpenTelemetry's: it is the usage of a span"},
	{word: "curve", whole: true, instead: "it is an energy curve"},
	{word: "mark", whole: true, in: []string{"receiver/facefusionreceiver/internal/jobprobe"}, instead: "it is energyAt"},
	{word: "observer", whole: true, instead: "an observer is an extension of the Collector: it is the shared receiver"},
	{word: "standin", instead: "it is a fake"},
	{word: "unless", whole: true, instead: "it is errIf…"},
	{word: "nudge", instead: "it is trigger"},
	{word: "world", whole: true, instead: "it is a harness"},
	{word: "stage", whole: true, instead: "it is a harness"},
	{word: "scene", whole: true, instead: "it is a harness, or a test case"},
	{word: "trio", instead: "it is a harness"},
	{word: "alone", whole: true, in: []string{"internal/gpu", "internal/jobqueue", "test"}, instead: "it is runIsolated"},
}

// conventional are names that types of several packages may have, and why: they mean the same in
// each, and the package in front of them says whose it is. A domain does not import another, and
// the tests of one module not those of another, so what two of them speak of has a type in each.
var conventional = map[string]string{
	// What Go and the Collector call so in every package.
	"Config":           "what the user configures, of each component and probe",
	"HistogramConfig":  "the settings of one histogram, which mdatagen would give this name",
	"HistogramsConfig": "the user's histograms, of each probe that has some, and all of them",
	"Settings":         "what the program passes to New",
	"options":          "the flags of a program",

	// An interface and what fulfils it.
	"Probe":   "the interface of a probe, and one in each package of a probe",
	"Sink":    "the interface through which probes emit, what fulfils it, and the fake of it",
	"Driver":  "the interface of a GPU driver, what fulfils it, and the fake of it",
	"handle":  "a GPU of a driver, real and fake",
	"session": "a session of a driver, real and fake",

	// One meaning on both sides of a border.
	"Snapshot": "a copy of what a package knows at one moment, immutable",
	"RunID":    "of the same run, as the job queue and as the logs know it",
	"pass":     "one turn of observing, under way",
	"finding":  "of the doctor, written by it and read by the test of its packages",
	"report":   "the findings of the doctor, written by it and read by the test of its packages",

	// Grafana's model, as it is generated and as it is tested.
	"annotation": "of a dashboard",
	"dashboard":  "of Grafana",
	"datasource": "of Grafana",
	"panel":      "of a dashboard",
	"variable":   "of a dashboard",

	// What tests of several modules need.
	"harness":   "what a test of its package runs in",
	"buffer":    "the log of a program that a test reads while it is written",
	"collector": "the built program, running",
	"program":   "a program that a test started",
	"page":      "a page of metrics in Prometheus' text format",
	"sample":    "a line of such a page",
}
