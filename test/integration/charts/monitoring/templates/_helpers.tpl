{{- define "monitoring.labels" -}}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
release: {{ .Release.Name | quote }}
{{- end -}}
