package facefusionlogprocessor

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-facefusion/otelcol-facefusion/internal/runlog"
)

// What the readers say about a record.
const (
	attrInstance     = "service.instance.id"
	attrContainerID  = "container.id"
	attrPodUID       = "k8s.pod.uid"
	attrStream       = "log.iostream"
	attrFilePath     = "log.file.path"
	attrFileResolved = "log.file.path_resolved"
	attrFileName     = "log.file.name"
	attrOffset       = "log.file.record_offset"
	attrTag          = "logtag"
)

// streamChunk is what a record of a reader holds of a stream.
type streamChunk struct {
	// key names the stream.
	key  string
	from runlog.Writer
	// at is when it was written, as far as the reader knows; else when it was read.
	at   time.Time
	text []byte
	// offset is where it stands in its file; -1 where the reader does not say.
	offset int64
}

// pieceOf reads a record. Three kinds of readers are distinguished by what they send: bytes or a
// container's text are a piece of a stream; a map is an entry of the journal; any other text is a
// line.
func pieceOf(resource pcommon.Map, record plog.LogRecord) (p streamChunk, ok bool) {
	p.offset = -1
	p.at = record.Timestamp().AsTime()
	if record.Timestamp() == 0 {
		p.at = record.ObservedTimestamp().AsTime()
	}
	if record.Timestamp() == 0 && record.ObservedTimestamp() == 0 {
		p.at = time.Now()
	}
	attributes := record.Attributes()
	p.from.Instance = text(resource, attrInstance)
	p.from.Container = text(resource, attrContainerID)
	p.from.Pod = text(resource, attrPodUID)
	switch body := record.Body(); body.Type() {
	case pcommon.ValueTypeBytes:
		p.text = body.Bytes().AsRaw()
	case pcommon.ValueTypeStr:
		p.text = []byte(body.Str())
		p.endLine(attributes)
	case pcommon.ValueTypeMap:
		return p, p.journal(resource, body.Map())
	default:
		return p, false
	}
	path := text(attributes, attrFilePath)
	if path == "" {
		path = text(attributes, attrFileName)
	}
	if p.from.Container == "" {
		p.from.Container = containerID.FindString(path)
	}
	if p.from.Pod == "" {
		p.from.Pod = podOf(path)
	}
	for _, key := range []string{attrFilePath, attrFileResolved} {
		if file := text(attributes, key); file != "" {
			p.from.Files = append(p.from.Files, file)
		}
	}
	if offset, there := attributes.Get(attrOffset); there && offset.Type() == pcommon.ValueTypeInt && record.Body().Type() == pcommon.ValueTypeBytes {
		p.offset = offset.Int()
	}
	p.key = strings.Join([]string{path, text(attributes, attrStream), p.from.Container, p.from.Instance, text(resource, attrPodUID)}, "\x00")
	return p, true
}

// containerID is in the path of a container's log of Docker.
var containerID = regexp.MustCompile(`\b[0-9a-f]{64}\b`)

// podPath is /var/log/pods/<namespace>_<pod>_<uid>/<container>/<number>.log, as the kubelet has it.
var podPath = regexp.MustCompile(`/[^/_]+_[^/_]+_([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/[^/]+/\d+\.log`)

func podOf(path string) string {
	if found := podPath.FindStringSubmatch(path); found != nil {
		return found[1]
	}
	return ""
}

// endLine ends a text that a reader took as a line. Docker's text has its own newline, or is a part
// of a line; CRI says by a tag which of the two it is.
func (p *streamChunk) endLine(attributes pcommon.Map) {
	tag := text(attributes, attrTag)
	_, container := attributes.Get(attrStream)
	if !container || tag != "" && !strings.HasPrefix(tag, "P") {
		p.text = append(p.text, '\n')
	}
}

// journal reads an entry of journald.
func (p *streamChunk) journal(resource, fields pcommon.Map) bool {
	message, there := fields.Get("MESSAGE")
	if !there {
		return false
	}
	switch message.Type() {
	case pcommon.ValueTypeStr:
		p.text = []byte(message.Str())
	case pcommon.ValueTypeSlice: // bytes that are no text, as journalctl writes them in JSON
		for _, b := range message.Slice().All() {
			p.text = append(p.text, byte(int(b.Double())|int(b.Int())))
		}
	default:
		return false
	}
	// What was longer than a line may be comes in several entries:
	// https://www.freedesktop.org/software/systemd/man/systemd.journal-fields.html
	if text(fields, "_LINE_BREAK") != "line-max" && text(fields, "CONTAINER_PARTIAL_MESSAGE") != "true" {
		p.text = append(p.text, '\n')
	}
	p.from.PID, _ = strconv.Atoi(text(fields, "_PID"))
	if id := text(fields, "CONTAINER_ID_FULL"); id != "" {
		p.from.Container, p.from.PID = id, 0 // the process is Docker's
	}
	stream := text(fields, "_STREAM_ID")
	if stream == "" {
		stream = text(fields, "_SYSTEMD_UNIT") + "\x00" + text(fields, "_PID")
	}
	p.key = strings.Join([]string{"journal", stream, p.from.Container, p.from.Instance, text(resource, "host.name")}, "\x00")
	return true
}

func text(attributes pcommon.Map, key string) string {
	if value, there := attributes.Get(key); there && value.Type() == pcommon.ValueTypeStr {
		return value.Str()
	}
	return ""
}
