{{- /* The names of the service in its cluster, as a list with commas. */}}
{{- define "tollkeeper.names" -}}
{{- $service := printf "%s.%s" .Release.Name .Release.Namespace -}}
{{ .Release.Name }},{{ $service }},{{ $service }}.svc,{{ $service }}.svc.cluster.local
{{- end }}
