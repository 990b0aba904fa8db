{{/* One variable, if its value is not empty. */}}
{{- define "payledger.variable" -}}
{{- if ne (toString .value) "" }}
- name: {{ .name }}
  value: {{ .value | toString | quote }}
{{- end }}
{{- end }}

{{/* The variables of a store: `store` are its values, `name` its setting. */}}
{{- define "payledger.store" -}}
{{- include "payledger.variable" (dict "name" .name "value" .store.url) }}
{{- include "payledger.variable" (dict "name" (printf "%s_USERNAME" .name) "value" .store.username) }}
{{- include "payledger.variable" (dict "name" (printf "%s_CA" .name) "value" .store.ca) }}
{{- if hasKey .store "tls" }}{{- if not .store.tls }}
{{- include "payledger.variable" (dict "name" (printf "%s_TLS" .name) "value" "false") }}
{{- end }}{{- end }}
{{- if eq (.store.auth | default "password") "entra" }}
{{- include "payledger.variable" (dict "name" (printf "%s_AUTH" .name) "value" "entra") }}
{{- end }}
{{- end }}

{{/* All variables of a service. */}}
{{- define "payledger.environment" -}}
{{- $v := .root.Values -}}
{{- $engines := (index (include "payledger.services" . | fromYaml) .service).engines -}}
- name: LEDGER_LOG_LEVEL
  value: {{ $v.logLevel }}
{{- if ne .service "ledger" }}
- name: LEDGER_SHARDS
  value: {{ $v.shards | quote }}
{{- end }}
{{- if has .service (list "command-service" "ledger") }}
- name: LEDGER_RAILS
  value: {{ join "," $v.rails | quote }}
{{- end }}
{{- if has .service (list "command-service" "query-service" "ledger") }}
{{- include "payledger.variable" (dict "name" "QUOTA_CALLER" "value" $v.quotas.caller) }}
{{- include "payledger.variable" (dict "name" "QUOTA_TENANT" "value" $v.quotas.tenant) }}
{{- end }}
{{- if has "eventLog" $engines }}
{{- include "payledger.store" (dict "name" "EVENT_LOG" "store" $v.eventLog) }}
{{- end }}
{{- if and (has "broker" $engines) $v.broker.url }}
{{- include "payledger.store" (dict "name" "BROKER" "store" $v.broker) }}
- name: BROKER_TOPIC
  value: {{ $v.broker.topic }}
- name: BROKER_CLIENT
  value: {{ $v.broker.client }}
{{- if and (eq .service "projections") $v.projections.autoscaling.enabled }}
- name: BROKER_GROUP
  value: {{ $v.projections.autoscaling.group }}
{{- end }}
{{- end }}
{{- if has "readModel" $engines }}
{{- include "payledger.store" (dict "name" "READ_MODEL" "store" $v.readModel) }}
{{- end }}
{{- if has "readModelReplica" $engines }}
{{- include "payledger.store" (dict "name" "READ_MODEL_REPLICA" "store" $v.readModelReplica) }}
{{- end }}
{{- if and (has "graph" $engines) $v.graph.url }}
{{- include "payledger.store" (dict "name" "GRAPH" "store" $v.graph) }}
{{- include "payledger.variable" (dict "name" "GRAPH_DATABASE" "value" $v.graph.database) }}
{{- include "payledger.variable" (dict "name" "GRAPH_NAME" "value" $v.graph.name) }}
{{- end }}
{{- if and (has "sessions" $engines) $v.sessions.url }}
{{- include "payledger.store" (dict "name" "SESSIONS" "store" $v.sessions) }}
{{- end }}
{{- if has "limits" $engines }}
{{- include "payledger.store" (dict "name" "LIMITS" "store" $v.limits) }}
{{- end }}
{{- if and (has "identity" $engines) (ne $v.identity.issuer "embedded") }}
{{- include "payledger.identity" $v.identity }}
{{- end }}
{{- if and (has "telemetry" $engines) $v.telemetry.endpoint }}
- name: OTEL_EXPORTER_OTLP_ENDPOINT
  value: {{ $v.telemetry.endpoint }}
- name: OTEL_TRACES_SAMPLER_ARG
  value: {{ $v.telemetry.sampled | quote }}
{{- end }}
{{- if and (has "goldTables" $engines) $v.goldTables.url }}
- name: GOLD_TABLES
  value: {{ $v.goldTables.url }}
- name: EXPORT_DATA_SET
  value: {{ $v.export.dataSet }}
{{- end }}
{{- if eq .service "export" }}
- name: EXPORT
  value: {{ $v.export.target }}
- name: EXPORT_DATA_SET
  value: {{ $v.export.dataSet }}
- name: EXPORT_SECONDS
  value: {{ $v.export.seconds | quote }}
{{- end }}
{{- range $name := splitList "," (include "payledger.secrets" .) }}{{ if $name }}
- name: {{ eq $name "otlp-headers" | ternary "OTEL_EXPORTER_OTLP_HEADERS" (snakecase $name | upper) }}_FILE
  value: /secrets/{{ $name }}
{{- end }}{{ end }}
{{- range $name, $value := .settings }}
- name: {{ $name }}
  value: {{ $value | toString | quote }}
{{- end }}
{{- end }}

{{- define "payledger.identity" -}}
{{- include "payledger.variable" (dict "name" "IDENTITY" "value" .issuer) }}
{{- include "payledger.variable" (dict "name" "IDENTITY_AUDIENCE" "value" .audience) }}
{{- include "payledger.variable" (dict "name" "IDENTITY_JWKS" "value" .jwks) }}
{{- include "payledger.variable" (dict "name" "IDENTITY_ALGORITHM" "value" .algorithm) }}
{{- include "payledger.variable" (dict "name" "IDENTITY_TOKEN_TYPE" "value" .tokenType) }}
{{- include "payledger.variable" (dict "name" "IDENTITY_TENANT_CLAIM" "value" .claims.tenant) }}
{{- include "payledger.variable" (dict "name" "IDENTITY_ROLE_CLAIM" "value" .claims.role) }}
{{- include "payledger.variable" (dict "name" "IDENTITY_OWNER_CLAIM" "value" .claims.owner) }}
{{- include "payledger.variable" (dict "name" "IDENTITY_ID_CLAIM" "value" .claims.id) }}
{{- include "payledger.variable" (dict "name" "IDENTITY_SESSION_CLAIM" "value" .claims.session) }}
{{- include "payledger.variable" (dict "name" "IDENTITY_TOKEN_DAYS" "value" .tokenDays) }}
{{- end }}
