package logencoding

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// logged is what is written by a logger as the Collector makes them.
func logged(journal bool, log func(*zap.Logger)) string {
	var out bytes.Buffer
	clock := fixed(time.Date(2026, 11, 22, 16, 13, 21, 5e6, time.UTC))
	core := zapcore.NewCore(newEncoder(journal), zapcore.AddSync(&out), zapcore.DebugLevel)
	log(zap.New(core, zap.WithClock(clock), zap.AddCaller(), zap.AddStacktrace(zapcore.ErrorLevel)).With(
		zap.Dict("resource", zap.String("service.version", "1")), zap.String("otelcol.component.id", "facefusion"), zap.String("otelcol.component.kind", "receiver"),
	))
	return out.String()
}

type fixed time.Time

func (f fixed) Now() time.Time                         { return time.Time(f) }
func (f fixed) NewTicker(d time.Duration) *time.Ticker { return time.NewTicker(d) }

func TestALine(t *testing.T) {
	found := func(l *zap.Logger) {
		l.Info("FaceFusion found", zap.String("instance", "studio"), zap.Uint16("port", 7860), zap.String("remedy", "none at all"))
	}
	require.Equal(t, "2026-11-22T16:13:21.005Z INFO facefusion: FaceFusion found instance=studio port=7860 remedy=\"none at all\"\n", logged(false, found))
	require.Equal(t, "<6>facefusion: FaceFusion found instance=studio port=7860 remedy=\"none at all\"\n", logged(true, found))
}

func TestPriorities(t *testing.T) {
	require.Equal(t, "<7>facefusion: a\n<6>facefusion: b\n<4>facefusion: c\n<3>facefusion: d\n", logged(true, func(l *zap.Logger) {
		l.Debug("a")
		l.Info("b")
		l.Warn("c")
		l.Error("d")
	}))
}

// TestAnErrorIsOneLine: no stack, whoever asked for one, and no line without a priority.
func TestAnErrorIsOneLine(t *testing.T) {
	require.Equal(t, "<3>facefusion: cannot send error=\"one\\ntwo\"\n", logged(true, func(l *zap.Logger) {
		l.Error("cannot send", zap.Error(errors.New("one\ntwo")))
	}))
	require.Equal(t, "<3>facefusion: one two\n", logged(true, func(l *zap.Logger) { l.Error("one\ntwo") }))
}

// TestNamesOfStrangersMoveNoCursor: the name of a job file may hold what a terminal obeys.
func TestNamesOfStrangersMoveNoCursor(t *testing.T) {
	text := logged(false, func(l *zap.Logger) {
		l.Warn("a\x1b[2Jb\rc", zap.String("job", "x\x1b[2J\x1b[1;1H\r2026\u00a0ERROR\u00a0forged"))
	})
	require.NotContains(t, text, "\x1b")
	require.NotContains(t, text, "\r")
	require.NotContains(t, text, "\u00a0")
	require.Contains(t, text, `job="x\x1b[2J\x1b[1;1H\r2026\u00a0ERROR\u00a0forged"`)
}

// TestNoPasswordInALine, whoever logs it, at any level and in any field.
func TestNoPasswordInALine(t *testing.T) {
	for _, secret := range []string{
		"https://user:geheim@example.com:4318/v1/logs", "http://geheim@example.com", "https://user:p@geheim@example.com", "grpc+tls://u:geheim@h",
		`Post "https://user:geheim@example.com/x": connection refused`, "Authorization: Bearer geheim0123456789", "authorization=Basic Z2VoZWltOmdlaGVpbQ==",
	} {
		text := logged(false, func(l *zap.Logger) {
			l.With(zap.String("endpoint", secret)).Error("to "+secret, zap.Error(errors.New(secret)), zap.Any("map", map[string]any{"a": secret}), zap.Strings("list", []string{secret}))
			l.Debug(secret)
		})
		require.NotContains(t, text, "geheim")
		require.NotContains(t, text, "Z2VoZWlt")
		require.Contains(t, text, "***")
	}
	require.Contains(t, logged(true, func(l *zap.Logger) { l.Info("see https://example.com/a@b and mail me@example.com") }), "https://example.com/a@b and mail me@example.com")
}

// TestPartsThatBeginAreNotNews, unless something is wrong with them.
func TestPartsThatBeginAreNotNews(t *testing.T) {
	require.Equal(t, "<4>facefusion: Extension started.\n", logged(true, func(l *zap.Logger) {
		l.Info("Extension started.")
		l.Info("Starting shutdown...")
		l.Warn("Extension started.")
	}))
}

// TestItIsRegistered under the name that configurations have.
func TestItIsRegistered(t *testing.T) {
	cfg := zap.NewProductionConfig()
	cfg.Encoding = Name
	_, err := cfg.Build()
	require.NoError(t, err)
}
