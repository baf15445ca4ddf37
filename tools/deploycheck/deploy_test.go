// The check itself: what lies in deploy/ is sound.

package deploycheck_test

import (
	"testing"

	"github.com/rehearse-go/rehearse/tools/deploycheck"
)

const (
	root = "../.."
	log  = root + "/deploy/log"
)

// sound fails for each finding.
func sound(t *testing.T, findings []string, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range findings {
		t.Error(f)
	}
}

func TestTheLogsDockerfileIsSound(t *testing.T) {
	findings, err := deploycheck.Dockerfile(t.Context(), log+"/Dockerfile", root)
	sound(t, findings, err)
}

func TestTheLogsComposeFileIsSound(t *testing.T) {
	findings, err := deploycheck.Compose(t.Context(), log+"/compose.yaml")
	sound(t, findings, err)
}

// own names Secrets, which spares making keys.
var own = deploycheck.Values{
	"tls":    map[string]any{"secret": "ours"},
	"gossip": map[string]any{"secret": "whispers"},
}

// settings are what people set in the chart: every value at least once.
var settings = []struct {
	name   string
	values deploycheck.Values
	given  []string
}{
	{"nothing", nil, nil},
	{"secrets of one's own", own, []string{"ours", "whispers"}},
	{"reached from outside", deploycheck.Values{
		"replicas":      5,
		"advertiseAddr": "$(POD_NAME).log.example.com",
		"servicePerPod": map[string]any{"enabled": true, "annotations": map[string]any{"a": "b"}},
		"service":       map[string]any{"type": "LoadBalancer", "annotations": map[string]any{"a": "b"}},
		"tls":           map[string]any{"extraNames": []any{"*.log.example.com"}, "days": 90},
	}, nil},
	{"services per pod within", deploycheck.Values{
		"servicePerPod": map[string]any{"enabled": true, "type": "ClusterIP"},
		"tls":           map[string]any{"secret": "ours"},
	}, []string{"ours"}},
	{"placed with care", deploycheck.Values{
		"tls":             map[string]any{"secret": "ours"},
		"podAntiAffinity": "hard", "topologyKey": "topology.kubernetes.io/zone", "priorityClassName": "high",
		"nodeSelector":   map[string]any{"disk": "fast"},
		"podLabels":      map[string]any{"team": "log"},
		"podAnnotations": map[string]any{"prometheus.io/scrape": "true"},
		"tolerations":    []any{map[string]any{"key": "log", "operator": "Exists"}},
		"topologySpreadConstraints": []any{map[string]any{
			"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway",
		}},
		"storage": map[string]any{
			"size": "1Ti", "className": "fast", "accessModes": []any{"ReadWriteOncePod"},
			"annotations": map[string]any{"a": "b"},
		},
		"image": map[string]any{
			"repository": "mirror/rehearse-log", "pullSecrets": []any{"mirror"},
			"digest": "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
		},
	}, []string{"ours"}},
	{"everything else", deploycheck.Values{
		"tls":   map[string]any{"secret": "ours"},
		"probe": "exec", "bootstrap": false, "nameOverride": "other", "podAntiAffinity": "",
		"podDisruptionBudget": map[string]any{"enabled": false},
		"serviceAccount":      map[string]any{"create": false},
		"acl":                 map[string]any{"model": "[matchers]\nm = r.sub == \"a\"\n", "policy": "p, a, *, b\n"},
		"log":                 map[string]any{"segmentBytes": "16777216", "retainBytes": "5GiB", "retainAge": "168h"},
		"ports":               map[string]any{"rpc": 9400, "gossip": 9401, "health": 9402},
		"extraEnv":            map[string]any{"GOMAXPROCS": "4"},
	}, []string{"ours"}},
}

func TestTheLogsChartIsSound(t *testing.T) {
	for _, row := range settings {
		t.Run(row.name, func(t *testing.T) {
			findings, err := deploycheck.Chart(log+"/chart", row.values, row.given...)
			sound(t, findings, err)
		})
	}
}
