{{- define "log.name" -}}
{{ default .Release.Name .Values.nameOverride | trunc 50 | trimSuffix "-" }}
{{- end }}

{{- define "log.select" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "log.labels" -}}
{{ include "log.select" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "log.domain" -}}
{{ include "log.name" . }}.{{ .Release.Namespace }}.svc.{{ .Values.clusterDomain }}
{{- end }}

{{- define "log.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end }}
{{- end }}

{{- define "log.account" -}}
{{- if .Values.serviceAccount.create -}}
{{ default (include "log.name" .) .Values.serviceAccount.name }}
{{- else -}}
{{ default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- /* The addresses of all nodes' gossip. */}}
{{- define "log.join" -}}
{{- $addrs := list }}
{{- range $i := until (int .Values.replicas) }}
{{- $addrs = append $addrs (printf "%s-%d.%s:%d" (include "log.name" $) $i (include "log.domain" $) (int $.Values.ports.gossip)) }}
{{- end }}
{{- join "," $addrs }}
{{- end }}

{{- /* A probe; give a list of the root and the HTTP path. */}}
{{- define "log.probe" -}}
{{- $root := index . 0 }}
{{- if eq $root.Values.probe "http" }}
httpGet:
  path: {{ index . 1 }}
  port: health
{{- else }}
exec:
  command: [/rehearse, log, health, --health-addr, "127.0.0.1:{{ $root.Values.ports.health }}"]
{{- end }}
{{- end }}
