{{- define "switchyard.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "switchyard.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{ include "switchyard.selector" . }}
{{- end }}

{{- define "switchyard.selector" -}}
app.kubernetes.io/name: switchyard
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "switchyard.tokenSecret" -}}
{{ .Values.token.existingSecret | default (printf "%s-token" (include "switchyard.name" .)) }}
{{- end }}

{{- define "switchyard.ollamaHost" -}}
{{- $name := include "switchyard.name" .root -}}
{{ printf "%s-ollama-%d.%s-ollama.%s.svc:11434" $name .at $name .root.Release.Namespace }}
{{- end }}

{{- define "switchyard.redisHost" -}}
{{ printf "%s-redis.%s.svc:6379" (include "switchyard.name" .) .Release.Namespace }}
{{- end }}

{{- define "switchyard.confined" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: ["ALL"] }
{{- end }}

{{/* Two thirds of its memory: the rest is for what Redis does beside keeping. */}}
{{- define "switchyard.redisBytes" -}}
{{- $unit := get (dict "" 1 "k" 1000 "Ki" 1024 "M" 1000000 "Mi" 1048576 "G" 1000000000 "Gi" 1073741824 "T" 1000000000000 "Ti" 1099511627776) (regexFind "[A-Za-z]*$" .Values.redis.memory) -}}
{{- printf "%d" (int64 (divf (mulf (float64 (regexFind "^[0-9.]+" .Values.redis.memory)) $unit) 1.5)) -}}
{{- end }}
