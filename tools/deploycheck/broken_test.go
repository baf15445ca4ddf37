// The checker, checked: each way to break the files is found.

package deploycheck_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rehearse-go/rehearse/tools/deploycheck"
)

// broken copies the log's files with one text in one of them replaced.
func broken(t *testing.T, name, old, with string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(log)); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, name)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), old) {
		t.Fatalf("%s does not hold %q", name, old)
	}
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(string(text), old, with)), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// found fails unless a finding holds want.
func found(t *testing.T, findings []string, err error, want string) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(strings.Join(findings, "\n"), want) {
		t.Errorf("found %q\nwant one with %q", findings, want)
	}
}

func TestABrokenDockerfileIsFound(t *testing.T) {
	for _, row := range []struct{ old, with, want string }{
		{"COPY . .", "COPPY . .", "unknown instruction"},
		{"WORKDIR /src", "WORKDIR src", "WorkdirRelativePath"},
		{"AS build", "as build", "FromAsCasing"},
		{"ENV REHEARSE_LOG_DATA_DIR=/data", "ENV REHEARSE_LOG_DATA_DIR=$NOWHERE", "UndefinedVar"},
		{"ENV REHEARSE_LOG_DATA_DIR", "ENV REHEARSE_LOG_DATA_DIRECTORY", "no flag --data-directory"},
		{"COPY go.mod go.sum ./", "COPY go.mod go.lock ./", "COPY of go.lock, which is not there"},
		{"--from=build /out/rehearse", "--from=builder /out/rehearse", "no stage builder"},
		{"USER 65532:65532", "USER 0", `the user is "0"`},
		{"USER 65532:65532", "USER nobody", `the user is "nobody"`},
		{"CMD [\"/rehearse\"", "NONE\n#", "nobody asks after its health"},
		{"golang:1.26", "mirror.example.com/golang:1.26", "names its host"},
		{"golang:1.26", "golang:latest", "under one's feet"},
	} {
		t.Run(row.with, func(t *testing.T) {
			dir := broken(t, "Dockerfile", row.old, row.with)
			findings, err := deploycheck.Dockerfile(t.Context(), filepath.Join(dir, "Dockerfile"), root)
			found(t, findings, err, row.want)
		})
	}
}

func TestABrokenComposeFileIsFound(t *testing.T) {
	for _, row := range []struct{ old, with, want string }{
		{"services:", "servics:", "servics"},
		{"depends_on:", "depend_on:", "depend_on"},
		{"    certs:\n      condition", "    cert:\n      condition", "undefined service"},
		{"volumes: [\"node1:/data\"", "volumes: [\"node7:/data\"", "undefined volume"},
		{"interval: 5s", "interval: soon", "soon"},
		{"condition: service_completed_successfully", "condition: service_done", "condition"},
		{"dockerfile: deploy/log/Dockerfile", "dockerfile: deploy/log/Dokerfile", "its Dockerfile"},
		{"REHEARSE_LOG_RPC_PORT", "REHEARSE_LOG_GRPC_PORT", "no flag --grpc-port"},
		{"read_only: true", "read_only: false", "not confined"},
		{"  healthcheck:\n    test", "  healthcheck:\n    disable: true\n    test", "nobody asks after its health"},
	} {
		t.Run(row.with, func(t *testing.T) {
			dir := broken(t, "compose.yaml", row.old, row.with)
			findings, err := deploycheck.Compose(t.Context(), filepath.Join(dir, "compose.yaml"))
			found(t, findings, err, row.want)
		})
	}
}

func TestABrokenChartIsFound(t *testing.T) {
	const set, services = "templates/statefulset.yaml", "templates/services.yaml"
	for _, row := range []struct{ file, old, with, want string }{
		{"Chart.yaml", "version: 0.1.0", "version: one", "version"},
		{"values.yaml", "replicas: 3", "replicas: three", "replicas"},
		{set, "{{- with .Values.nodeSelector }}", "{{- with .Values.nodeSelector }", "unexpected"},
		{set, ".Values.terminationGracePeriodSeconds", ".Values.grace.period", "nil pointer"},
		{set, "podManagementPolicy", "podManagmentPolicy", "unknown field"},
		{set, "replicas: {{ .Values.replicas }}", "replicas: many", "cannot unmarshal string"},
		{set, "apiVersion: apps/v1", "apiVersion: apps/v1beta1", "apps/v1beta1"},
		{set, "apiVersion: apps/v1", "apiVersion: apps/v9", "no kind"},
		{set, "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", "not confined"},
		{set, "runAsNonRoot: true", "runAsNonRoot: false", "runAsNonRoot"},
		{set, "automountServiceAccountToken: false", "automountServiceAccountToken: true", "token"},
		{set, "readinessProbe:", "lifecycle: {}\n          x-probe:", "unknown field"},
		{set, "{name: health, containerPort", "{name: healthy, containerPort", "asks at the port health"},
		{set, "{name: tls, mountPath", "{name: tsl, mountPath", "mounts tsl"},
		{set, "default (printf \"%s-tls\" (include \"log.name\" .)) .Values.tls.secret", "include \"log.name\" .",
			"no Secret here"},
		{set, "name: REHEARSE_LOG_NODE_NAME", "name: REHEARSE_LOG_NAME", "no flag --name"},
		{set, "name: REHEARSE_LOG_NODE_NAME", "name: REHEARSE_LOG_DATA_DIR", "set twice"},
		{set, `serviceName: {{ include "log.name" . }}`, "serviceName: other", "no headless Service other"},
		{"values.yaml", "limits: {memory: 1Gi}", "limits: {}", "a limit of memory"},
		{"values.yaml", "repository: rehearse-log", "repository: mirror.example.com/rehearse-log", "names its host"},
		{services, "targetPort: rpc", "targetPort: grpc", "no container has the port grpc"},
		{services, "publishNotReadyAddresses: true", "publishNotReadyAddresses: false", "no headless Service"},
		{services, "-client", "", "is there twice"},
		{"templates/poddisruptionbudget.yaml", `matchLabels: {{- include "log.select" . | nindent 6 }}`,
			"matchLabels: {app: other}", "selects no pod"},
		{"templates/poddisruptionbudget.yaml", "policy/v1", "policy/v1beta1", "want a version that stays"},
		{"templates/serviceaccount.yaml", "create }}", "annotations }}", "no ServiceAccount"},
	} {
		t.Run(row.file+" "+row.with, func(t *testing.T) {
			dir := broken(t, filepath.Join("chart", row.file), row.old, row.with)
			findings, err := deploycheck.Chart(filepath.Join(dir, "chart"), own, "ours", "whispers")
			found(t, findings, err, row.want)
		})
	}
}

func TestValuesThatTheSchemaForbidsAreFound(t *testing.T) {
	for want, values := range map[string]deploycheck.Values{
		"replica":   {"replica": 3},
		"replicas":  {"replicas": 0},
		"probe":     {"probe": "grpc"},
		"rpc":       {"ports": map[string]any{"rpc": 99999}},
		"retainAge": {"log": map[string]any{"retainAge": "a week"}},
		"digest":    {"image": map[string]any{"digest": "sha256:short"}},
	} {
		t.Run(want, func(t *testing.T) {
			findings, err := deploycheck.Chart(log+"/chart", values)
			found(t, findings, err, want)
		})
	}
}
