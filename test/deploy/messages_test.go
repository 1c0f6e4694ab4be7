package deploy

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/config/common"
	"github.com/prometheus/alertmanager/config/receiver"
	"github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/alertmanager/template"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"
)

const alertmanager = "../../deploy/alertmanager"

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// firing has texts that are special in YAML, JSON and Markdown, and texts in Chinese.
func firing(severity string) *alert.Alert {
	return &alert.Alert{Alert: model.Alert{
		Labels: model.LabelSet{"alertname": "FaceFusionServerDown", "severity": model.LabelValue(severity), "host_name": "gpu-7", "service_instance_id": "换脸 \"1\""},
		Annotations: model.LabelSet{
			"summary":     "# 换脸 is down: yes",
			"description": "- port 7860\n\"quoted\" \\ {{ braces }} <tag> 'single' 12345 no",
			"runbook_url": runbookURL + "FaceFusionServerDown.md",
		},
		StartsAt: noon,
	}}
}

func resolved(severity string) *alert.Alert {
	a := firing(severity)
	a.EndsAt = noon.Add(time.Minute)
	return a
}

// load parses the committed configuration with Alertmanager's own code.
func load(t *testing.T) (*config.Config, *template.Template) {
	t.Helper()
	cfg, err := config.LoadFile(filepath.Join(alertmanager, "alertmanager.yml"))
	require.NoError(t, err)
	tmpl, err := template.FromGlobs(cfg.Templates)
	require.NoError(t, err)
	tmpl.ExternalURL = &url.URL{Scheme: "http", Host: "127.0.0.1:9093"}
	return cfg, tmpl
}

// deliver sends alerts by the integrations of the receiver that have the given name.
func deliver(t *testing.T, rcv config.Receiver, tmpl *template.Template, integration string, alerts ...*alert.Alert) {
	t.Helper()
	ctx := notify.WithGroupKey(context.Background(), "group")
	ctx = notify.WithReceiverName(ctx, rcv.Name)
	ctx = notify.WithGroupLabels(ctx, model.LabelSet{"alertname": alerts[0].Labels["alertname"], "host_name": alerts[0].Labels["host_name"]})
	integrations, err := receiver.BuildReceiverIntegrations(rcv, tmpl, nil)
	require.NoError(t, err)
	sent := 0
	for _, i := range integrations {
		if i.Name() != integration {
			continue
		}
		_, err := i.Notify(ctx, alerts...)
		require.NoError(t, err)
		sent++
	}
	require.Equal(t, 1, sent)
}

func named(t *testing.T, cfg *config.Config, name string) config.Receiver {
	t.Helper()
	for _, rcv := range cfg.Receivers {
		if rcv.Name == name {
			return rcv
		}
	}
	require.Fail(t, "no receiver "+name)
	return config.Receiver{}
}

// secret returns a file with a line feed at its end, as editors write it.
func secret(t *testing.T, content string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(file, []byte(content+"\n"), 0o400))
	return file
}

// dingTalk is the message that the robot receives for the alerts.
func dingTalk(t *testing.T, alerts ...*alert.Alert) (title, text string) {
	t.Helper()
	var body []byte
	robot := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		require.Equal(t, "token", r.URL.Query().Get("access_token"))
		require.Equal(t, "application/json", r.Header.Get("Content-Type"))
		body, _ = io.ReadAll(r.Body)
		_, _ = io.WriteString(w, `{"errcode":0,"errmsg":"ok"}`)
	}))
	defer robot.Close()

	cfg, tmpl := load(t)
	chat := named(t, cfg, "chat")
	chat.WebhookConfigs[0].URLFile = secret(t, robot.URL+"/robot/send?access_token=token")
	deliver(t, chat, tmpl, "webhook", alerts...)

	// Strict decoding: the robot refuses a value that is not a string.
	var message struct {
		MsgType  string `json:"msgtype"`
		Markdown struct {
			Title string `json:"title"`
			Text  string `json:"text"`
		} `json:"markdown"`
	}
	decoder := json.NewDecoder(strings.NewReader(string(body)))
	decoder.DisallowUnknownFields()
	require.NoError(t, decoder.Decode(&message), string(body))
	require.Equal(t, "markdown", message.MsgType)
	return message.Markdown.Title, message.Markdown.Text
}

func TestDingTalk(t *testing.T) {
	title, text := dingTalk(t, firing("warning"))
	require.Equal(t, "[FaceFusion] warning: FaceFusionServerDown on gpu-7", title)
	require.Equal(t, `### [FaceFusion] warning: FaceFusionServerDown on gpu-7

- **# 换脸 is down: yes**
  - port 7860
"quoted" \ {{ braces }} <tag> 'single' 12345 no (since 2026-01-02 12:00:00 UTC)

[What to do](`+runbookURL+`FaceFusionServerDown.md)
`, text)
}

func TestDingTalkResolved(t *testing.T) {
	title, text := dingTalk(t, resolved("warning"))
	require.Equal(t, "[FaceFusion] resolved: FaceFusionServerDown on gpu-7", title)
	require.Contains(t, text, "- **resolved: # 换脸 is down: yes**")
}

// A text that looks like a number or a boolean, or is empty, must stay a string.
func TestDingTalkKeepsTexts(t *testing.T) {
	for _, value := range []string{"12345", "true", "null", "", "~", "- a\n- b", "{}", "a: b", strings.Repeat("长", 5000), "\t\x01\u2028"} {
		a := firing("warning")
		a.Annotations["summary"], a.Annotations["description"] = model.LabelValue(value), model.LabelValue(value)
		_, text := dingTalk(t, a)
		require.Contains(t, text, "**"+value+"**\n  "+value+" (since")
	}
}

func TestDingTalkShowsTenAtMost(t *testing.T) {
	var many []*alert.Alert
	for range 30 {
		many = append(many, firing("warning"))
	}
	_, text := dingTalk(t, many...)
	require.Equal(t, 10, strings.Count(text, "since"))
}

func TestWeCom(t *testing.T) {
	var message map[string]any
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/gettoken":
			require.Equal(t, "s3cret", r.URL.Query().Get("corpsecret"))
			require.Equal(t, "EXAMPLE", r.URL.Query().Get("corpid"))
			_, _ = io.WriteString(w, `{"access_token":"token"}`)
		case "/message/send":
			require.Equal(t, "token", r.URL.Query().Get("access_token"))
			require.NoError(t, json.NewDecoder(r.Body).Decode(&message))
			_, _ = io.WriteString(w, `{"errcode":0,"errmsg":"ok"}`)
		default:
			http.NotFound(w, r)
		}
	}))
	defer api.Close()

	cfg, tmpl := load(t)
	call := named(t, cfg, "call")
	call.WechatConfigs[0].APISecretFile = secret(t, "s3cret")
	call.WechatConfigs[0].APIURL = common.MustParseURL(api.URL + "/")
	deliver(t, call, tmpl, "wechat", firing("critical"))

	require.Equal(t, "text", message["msgtype"])
	require.Equal(t, "1000002", message["agentid"])
	require.Equal(t, "1", message["toparty"])
	require.Equal(t, map[string]any{"content": plain("critical")}, message["text"])
}

// plain is the text of firing, in mail and WeCom.
func plain(severity string) string {
	return `[FaceFusion] ` + severity + `: FaceFusionServerDown on gpu-7

# 换脸 is down: yes
- port 7860
"quoted" \ {{ braces }} <tag> 'single' 12345 no
since 2026-01-02 12:00:00 UTC

What to do: ` + runbookURL + `FaceFusionServerDown.md
`
}

// WeCom cuts a message at 2048 bytes; the longest alerts of an eight-GPU host have to fit.
func TestTextIsShort(t *testing.T) {
	_, tmpl := load(t)
	var many []*alert.Alert
	for range 30 {
		many = append(many, firing("critical"))
	}
	data := tmpl.Data("call", model.LabelSet{"alertname": "FaceFusionServerDown"}, nil, "", many...)
	text, err := tmpl.ExecuteTextString(`{{ template "facefusion.text" . }}`, data)
	require.NoError(t, err)
	require.Less(t, len(text), 2048)
	require.Contains(t, text, "and 20 more")
	require.Contains(t, text, "What to do: ")
}

func TestWatchdogIsNotified(t *testing.T) {
	notified := 0
	dead := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { notified++ }))
	defer dead.Close()
	cfg, tmpl := load(t)
	watchdog := named(t, cfg, "watchdog")
	watchdog.WebhookConfigs[0].URLFile = secret(t, dead.URL)
	deliver(t, watchdog, tmpl, "webhook", firing("info"))
	require.Equal(t, 1, notified)
}
