package logencoding

import (
	"fmt"
	"maps"
	"os"
	"strconv"
	"strings"
	"unicode"

	"go.uber.org/zap"
	"go.uber.org/zap/buffer"
	"go.uber.org/zap/zapcore"
	"golang.org/x/sys/unix"
)

// Name is the value of service::telemetry::logs::encoding.
const Name = "facefusion"

func init() {
	// It fails for a name that is taken, which is this one's if two versions are linked.
	_ = zap.RegisterEncoder(Name, func(zapcore.EncoderConfig) (zapcore.Encoder, error) { return newEncoder(toJournal()), nil })
}

// toJournal says that systemd reads standard error, and with it a priority at the start of a line:
// the variable names the device and the inode of the socket, as it is inherited by programs whose
// standard error is another.
func toJournal() bool {
	var st unix.Stat_t
	if unix.Fstat(int(os.Stderr.Fd()), &st) != nil {
		return false
	}
	return os.Getenv("JOURNAL_STREAM") == fmt.Sprintf("%d:%d", st.Dev, st.Ino)
}

// encoder writes lines. Its map holds what a logger adds to all of its lines.
type encoder struct {
	*zapcore.MapObjectEncoder
	journal bool
}

func newEncoder(journal bool) *encoder {
	return &encoder{MapObjectEncoder: zapcore.NewMapObjectEncoder(), journal: journal}
}

// Clone implements zapcore.Encoder.
func (e *encoder) Clone() zapcore.Encoder { return e.copied() }

func (e *encoder) copied() *encoder {
	c := newEncoder(e.journal)
	maps.Copy(c.Fields, e.Fields)
	return c
}

var pool = buffer.NewPool()

// EncodeEntry implements zapcore.Encoder.
func (e *encoder) EncodeEntry(entry zapcore.Entry, fields []zapcore.Field) (*buffer.Buffer, error) {
	line := pool.Get()
	if isNoise(&entry) {
		return line, nil
	}
	all := e.copied()
	for i := range fields {
		fields[i].AddTo(all)
	}
	if e.journal {
		line.AppendString(priority(entry.Level))
	} else {
		line.AppendString(entry.Time.UTC().Format("2006-01-02T15:04:05.000Z "))
		line.AppendString(entry.Level.CapitalString() + " ")
	}
	if component, _ := all.Fields["otelcol.component.id"].(string); component != "" {
		line.AppendString(component + ": ")
	}
	text := entry.Message + all.text()
	// One entry is one line: of a trace of a stack in an error, each would be a line without a
	// time.
	line.AppendString(strings.Map(visible, withoutSecrets(text)))
	line.AppendByte('\n')
	return line, nil
}

// silent are the fields that are the same on many lines.
var silent = map[string]bool{
	"otelcol.component.id": true, "otelcol.component.kind": true, "otelcol.signal": true, "otelcol.pipeline.id": true, "otelcol.signal.output": true,
	"otelcol.instrumentation.scope": true, "resource": true, "errorVerbose": true,
}

// text are the fields, sorted by name so that lines can be compared.
func (e *encoder) text() string {
	var b strings.Builder
	for _, key := range sorted(e.Fields) {
		if silent[key] {
			continue
		}
		b.WriteString(" " + key + "=" + shown(e.Fields[key]))
	}
	return b.String()
}

// visible makes a space of what would end the line or move a terminal's cursor.
func visible(r rune) rune {
	if unicode.IsControl(r) {
		return ' '
	}
	return r
}

// shown is a value as it is written: quoted where its end could not be seen.
func shown(value any) string {
	text := fmt.Sprint(value)
	if text == "" || strings.ContainsAny(text, " \t\n\"=") || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(text)
	}
	return text
}

// priority is what systemd takes off the line: man sd-daemon.
func priority(level zapcore.Level) string {
	switch {
	case level >= zapcore.DPanicLevel:
		return "<2>"
	case level == zapcore.ErrorLevel:
		return "<3>"
	case level == zapcore.WarnLevel:
		return "<4>"
	case level == zapcore.InfoLevel:
		return "<6>"
	default:
		return "<7>"
	}
}
