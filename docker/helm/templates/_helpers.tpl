{{/* The name of everything in a release: the release's own, since a release has one service. */}}
{{- define "stream-service.name" -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- define "stream-service.selector" -}}
app.kubernetes.io/name: stream-service
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "stream-service.labels" -}}
{{ include "stream-service.selector" . }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{- define "stream-service.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{/* How long SIGKILL waits: longer than the notice and the deadline together. */}}
{{- define "stream-service.gracePeriod" -}}
{{- $notice := .Values.settings.SHUTDOWN_NOTICE | default "5" | int -}}
{{- $deadline := .Values.settings.SHUTDOWN_DEADLINE | default "20" | int -}}
{{- add $notice $deadline 5 -}}
{{- end -}}

{{/* The port of METRICS_ADDRESS, if that is an address. */}}
{{- define "stream-service.metricsPort" -}}
{{- $address := .Values.settings.METRICS_ADDRESS | default "" -}}
{{- if contains ":" $address -}}{{- splitList ":" $address | last -}}{{- end -}}
{{- end -}}

{{- define "stream-service.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
# The files of a Secret belong to root; this group may read them.
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "stream-service.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}
