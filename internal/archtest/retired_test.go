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

// conventional are names that types of several packages may have, and why: the package in front of
// them says which is meant. Domains do not import each other, so what two of them speak of has a
// type in each.
var conventional = map[string]string{
	"Call":             "a call of the driver, and one of a file system",
	"Calls":            "what Gradio counts of a function, as the servers say it and as the job queue needs it",
	"Change":           "of a job's state, and of a stored record",
	"Event":            "what the driver's event set says, and what a log line says",
	"Health":           "of a GPU, of a loop, of a server's check",
	"Instance":         "an instance as its processes show it, as the configuration names it, as its log knows it",
	"Kind":             "of a server, and of what happens in a scenario",
	"Location":         "where a GPU is, and where a folder is",
	"Phase":            "of a step, as its log says it and as it is published",
	"Process":          "of the host, on a GPU, of a run, and the fake of it",
	"Reason":           "why a reading failed, and why a run ended",
	"Record":           "a saved value, and a line of a log",
	"Role":             "of a process, as the host shows it and as the job queue needs it",
	"Run":              "of a job, as its files say it and as its log does",
	"RunID":            "of the same run",
	"State":            "of a job, and of a server",
	"Stream":           "a log as it is read, and the one of an instance",
	"Tracker":          "of XIDs, and of servers",
	"Config":           "what the user configures, of each component",
	"HistogramConfig":  "the user's switch of a histogram, as mdatagen would name it",
	"HistogramsConfig": "the user's histograms, of each probe that has some",
	"Settings":         "what the program passes to New",
	"Snapshot":         "what a package publishes, immutable",
	"Probe":            "one of each package of a probe, and the interface that they fulfil",
	"Sink":             "an interface, and the fake of it in probetest",
	"Driver":           "an interface of internal/gpu, what fulfils it, and its fakes",
	"GPU":              "a fake GPU, of each fake driver",
	"Host":             "the host, and its fakes",
	"Server":           "a web server, and the fake of it in simulator/gradio",
	"Function":         "a function of Gradio, and what the fake server says of it",
	"Folder":           "a jobs folder, and what writes one in the simulator",
	"Status":           "the status of a step, and as the simulator writes it",
	"Step":             "a step of a job, and what writes one in the simulator",
}
