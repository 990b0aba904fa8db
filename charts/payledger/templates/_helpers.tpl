{{/* Each service: its arguments, whether it serves the API, its engines, and its secrets by the setting that names the file. */}}
{{- define "payledger.services" -}}
command-service:
  args: [start, command-service]
  identity: commandService
  api: true
  engines: [eventLog, limits, identity, telemetry]
query-service:
  args: [start, query-service]
  identity: queryService
  api: true
  engines: [readModelReplica, graph, sessions, limits, identity, telemetry, goldTables]
projections:
  args: [start, projections]
  identity: projections
  engines: [eventLog, broker, readModel, graph, sessions, telemetry]
mirror:
  args: [start, mirror]
  identity: mirror
  engines: [eventLog, broker, telemetry]
export:
  args: [start, export]
  identity: export
  engines: [eventLog, lake, telemetry]
migrate:
  args: [migrate]
  identity: projections
  engines: [readModel]
ledger:
  args: [start, --host, "0.0.0.0"]
  api: true
  engines: []
{{- end }}

{{- define "payledger.name" -}}
{{- printf "%s-%s" .root.Release.Name .service | trunc 58 | trimSuffix "-" -}}
{{- end }}

{{- define "payledger.selector" -}}
app.kubernetes.io/name: payledger
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .service }}
{{- end }}

{{- define "payledger.labels" -}}
{{ include "payledger.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{- define "payledger.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}{{ .repository }}@{{ .digest }}{{- else -}}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{- end -}}
{{- end -}}
{{- end }}

{{/* The names of the secrets that a service reads. */}}
{{- define "payledger.secrets" -}}
{{- $v := .root.Values -}}
{{- $engines := (index (include "payledger.services" . | fromYaml) .service).engines -}}
{{- $names := list -}}
{{- if and (has "eventLog" $engines) $v.eventLog.username }}{{ $names = append $names "event-log-password" }}{{ end -}}
{{- if and (has "broker" $engines) $v.broker.username }}{{ $names = append $names "broker-password" }}{{ end -}}
{{- if and (has "readModel" $engines) $v.readModel.url (eq $v.readModel.auth "password") }}{{ $names = append $names "read-model-password" }}{{ end -}}
{{- if and (has "readModelReplica" $engines) $v.readModelReplica.url (eq $v.readModelReplica.auth "password") }}{{ $names = append $names "read-model-replica-password" }}{{ end -}}
{{- if and (has "graph" $engines) $v.graph.database }}{{ $names = append $names "graph-key" }}{{ end -}}
{{- if and (has "sessions" $engines) $v.sessions.username (eq $v.sessions.auth "password") }}{{ $names = append $names "sessions-password" }}{{ end -}}
{{- if and (has "limits" $engines) $v.limits.username (eq $v.limits.auth "password") }}{{ $names = append $names "limits-password" }}{{ end -}}
{{- if and (has "telemetry" $engines) $v.telemetry.headers }}{{ $names = append $names "otlp-headers" }}{{ end -}}
{{- if or (eq .service "export") (and (has "goldTables" $engines) $v.goldTables.url) }}{{ $names = append $names "export-key" }}{{ end -}}
{{- if and (has "goldTables" $engines) $v.goldTables.url (eq $v.goldTables.login "token") }}{{ $names = append $names "gold-tables-token" }}{{ end -}}
{{- if and (eq .service "export") (hasPrefix "abfss:" $v.export.target) (eq $v.export.login "key") }}{{ $names = append $names "export-account-key" }}{{ end -}}
{{- join "," $names -}}
{{- end }}

{{/* The keys of a service's data folder: file name by the name of the secret. */}}
{{- define "payledger.keys" -}}
{{- if eq .service "query-service" }}
cursor-key: cursor.key
{{- end }}
{{- if and (has .service (list "query-service" "command-service")) (eq .root.Values.identity.issuer "embedded") }}
token-signing-key: token-signing.jwk.json
{{- end }}
{{- end }}

{{- define "payledger.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "payledger.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{/* Objects of the migration are hooks too: the others do not exist yet when it runs. */}}
{{- define "payledger.beforeMigration" -}}
{{- if eq .service "migrate" -}}
helm.sh/hook: pre-install,pre-upgrade
helm.sh/hook-weight: "-10"
helm.sh/hook-delete-policy: before-hook-creation
{{- end }}
{{- end }}
