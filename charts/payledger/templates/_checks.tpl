{{/* Every faulty combination of values, as a list of texts. The schema refuses what a single value shows. */}}
{{- define "payledger.faults" -}}
{{- $v := .Values -}}
{{- $faults := list -}}
{{- if lt (int $v.graceSeconds) (add (int $v.preStopSeconds) 11 | int) }}
{{- $faults = append $faults (printf "graceSeconds is %d: it must be longer than preStopSeconds and the 10 s that a stop may take, at least %d" (int $v.graceSeconds) (add (int $v.preStopSeconds) 11)) }}
{{- end }}
{{- if and $v.route.enabled (not $v.route.gateway.name) }}
{{- $faults = append $faults "route.enabled needs route.gateway.name: the Gateway that the route attaches to" }}
{{- end }}
{{- if and $v.route.enabled $v.networkPolicy.enabled (not $v.networkPolicy.gatewayNamespace) }}
{{- $faults = append $faults "route.enabled needs networkPolicy.gatewayNamespace: nothing else could reach the API" }}
{{- end }}
{{- if and $v.monitoring.serviceMonitor $v.networkPolicy.enabled (not $v.networkPolicy.monitoringNamespace) }}
{{- $faults = append $faults "monitoring.serviceMonitor needs networkPolicy.monitoringNamespace: Prometheus could not reach the pods" }}
{{- end }}
{{- if eq $v.image.tag "latest" }}
{{- $faults = append $faults "image.tag is latest: name a version or a digest, so that every pod runs the same" }}
{{- end }}
{{- range $service := list "commandService" "queryService" "projections" "mirror" "export" }}{{ range $name, $value := (index $v $service).settings }}
{{- if regexMatch "(PASSWORD|KEY|HEADERS|SECRET|TOKEN)$" $name }}{{ $faults = append $faults (printf "%s.settings.%s is a secret: put it into the Secret or the Key Vault" $service $name) }}{{ end }}
{{- end }}{{ end }}
{{- range $name := list "eventLog" "broker" "readModel" "readModelReplica" "graph" "sessions" "limits" "goldTables" }}
{{- if contains "@" (index $v $name).url }}{{ $faults = append $faults (printf "%s.url holds credentials: put the password into the Secret or the Key Vault" $name) }}{{ end }}
{{- end }}
{{- range $engine, $egress := $v.networkPolicy.egress }}{{ range $cidr := $egress.cidrs }}
{{- if hasSuffix "/0" $cidr }}{{ $faults = append $faults (printf "networkPolicy.egress.%s.cidrs has %s: that is open egress; name the networks of that engine" $engine $cidr) }}{{ end }}
{{- end }}{{ end }}
{{- if eq $v.mode "embedded" }}
{{- range $name := list "eventLog" "broker" "readModel" "readModelReplica" "graph" "sessions" "limits" "goldTables" }}
{{- if (index $v $name).url }}{{ $faults = append $faults (printf "%s.url is set, but mode embedded uses no engines: remove it, or set mode to services" $name) }}{{ end }}
{{- end }}
{{- else }}{{- $faults = concat $faults (include "payledger.serviceFaults" . | fromJsonArray) }}{{- end }}
{{- toJson $faults -}}
{{- end }}

{{- define "payledger.serviceFaults" -}}
{{- $v := .Values -}}
{{- $faults := list -}}
{{- $vault := $v.secrets.keyVault -}}
{{- if gt (int $v.shards) 1 }}{{ $faults = append $faults "shards is more than 1: this release has one writer, of one shard" }}{{ end }}
{{- if not $v.eventLog.url }}{{ $faults = append $faults "eventLog.url is empty: mode services needs an EventStoreDB, esdb://<host>:<port>" }}{{ end }}
{{- if not $v.readModel.url }}{{ $faults = append $faults "readModel.url is empty: projections and queries in different pods share the read models by a server, mysql://<host>:<port>/<database>" }}{{ end }}
{{- if not $v.readModelReplica.url }}{{ $faults = append $faults "readModelReplica.url is empty: name the replicas, or the primary once more" }}{{ end }}
{{- if not $v.graph.url }}{{ $faults = append $faults "graph.url is empty: projections and queries in different pods share the graph by a server, gremlin://<host>:<port>" }}{{ end }}
{{- if not $v.limits.url }}{{ $faults = append $faults "limits.url is empty: services in different pods share revoked tokens by a Redis, redis://<host>:<port>" }}{{ end }}
{{- if and $v.secrets.existingSecret $vault.name }}{{ $faults = append $faults "secrets.existingSecret and secrets.keyVault.name exclude each other" }}{{ end }}
{{- if not (or $v.secrets.existingSecret $vault.name) }}{{ $faults = append $faults "secrets.existingSecret or secrets.keyVault.name must be set: the query-service needs at least cursor-key" }}{{ end }}
{{- if and $vault.name (not $vault.tenantId) }}{{ $faults = append $faults "secrets.keyVault.name needs secrets.keyVault.tenantId" }}{{ end }}
{{- if and $vault.name (not $v.workloadIdentity.enabled) }}{{ $faults = append $faults "secrets.keyVault needs workloadIdentity.enabled: pods read it with their identity" }}{{ end }}
{{- if $v.workloadIdentity.enabled }}{{ range $name := list "commandService" "queryService" "projections" "mirror" "export" }}
{{- if and (not (index $v.workloadIdentity.clientIds $name)) (or (ne $name "export") (ne $v.export.target "none")) (or (ne $name "mirror") $v.broker.url) }}
{{- $faults = append $faults (printf "workloadIdentity.enabled needs workloadIdentity.clientIds.%s" $name) }}{{ end }}
{{- end }}{{ end }}
{{- range $name := list "readModel" "readModelReplica" "sessions" "limits" }}{{ $store := index $v $name }}
{{- if and (eq $store.auth "entra") (not $v.workloadIdentity.enabled) }}{{ $faults = append $faults (printf "%s.auth entra needs workloadIdentity.enabled" $name) }}{{ end }}
{{- if and (hasPrefix "readModel" $name) $store.url (not $store.username) }}{{ $faults = append $faults (printf "%s.url needs %s.username" $name $name) }}{{ end }}
{{- end }}
{{- range $name := list "broker" "graph" "sessions" "limits" }}{{ $store := index $v $name }}
{{- if and (not $store.tls) (or $store.username $store.database) }}{{ $faults = append $faults (printf "%s.tls is false, and its password would cross the network in clear" $name) }}{{ end }}
{{- if and (not $store.tls) $store.ca }}{{ $faults = append $faults (printf "%s.ca is of no use while %s.tls is false" $name $name) }}{{ end }}
{{- end }}
{{- if ne (empty $v.graph.database) (empty $v.graph.name) }}{{ $faults = append $faults "graph.database and graph.name go together" }}{{ end }}
{{- if and (ne $v.identity.issuer "embedded") (not $v.identity.audience) }}{{ $faults = append $faults "identity.issuer needs identity.audience: else tokens made for others would be good here" }}{{ end }}
{{- if and (hasPrefix "folder:" $v.export.target) (not $v.export.existingClaim) }}{{ $faults = append $faults "export.target is a folder: export.existingClaim must name the claim that holds it" }}{{ end }}
{{- if and (hasPrefix "abfss:" $v.export.target) (eq $v.export.login "identity") (not $v.workloadIdentity.enabled) }}{{ $faults = append $faults "export.login identity needs workloadIdentity.enabled; or set export.login to key" }}{{ end }}
{{- if and $v.goldTables.url (eq $v.goldTables.login "identity") (not $v.workloadIdentity.enabled) }}{{ $faults = append $faults "goldTables.login identity needs workloadIdentity.enabled; or set goldTables.login to token" }}{{ end }}
{{- if and $v.queryService.autoscaling.enabled (not $v.queryService.autoscaling.prometheus) }}{{ $faults = append $faults "queryService.autoscaling.enabled needs queryService.autoscaling.prometheus, which counts requests" }}{{ end }}
{{- if and $v.projections.autoscaling.enabled (not $v.broker.url) }}{{ $faults = append $faults "projections.autoscaling.enabled needs broker.url: it scales on the lag of the topic" }}{{ end }}
{{- if and $v.projections.autoscaling.enabled $vault.name (not $v.workloadIdentity.clientIds.scaler) }}{{ $faults = append $faults "projections.autoscaling.enabled with a Key Vault needs workloadIdentity.clientIds.scaler" }}{{ end }}
{{- if $v.networkPolicy.enabled }}{{ range $engine := include "payledger.usedEngines" . | fromJsonArray }}
{{- if not (index $v.networkPolicy.egress $engine).cidrs }}{{ $faults = append $faults (printf "networkPolicy.egress.%s.cidrs is empty: name the networks of that engine, or pods cannot reach it" $engine) }}{{ end }}
{{- end }}{{ end }}
{{- toJson $faults -}}
{{- end }}

{{/* The engines that the values use. */}}
{{- define "payledger.usedEngines" -}}
{{- $v := .Values -}}
{{- $used := list -}}
{{- range $name := list "eventLog" "broker" "readModel" "readModelReplica" "graph" "sessions" "limits" "goldTables" }}{{ if (index $v $name).url }}{{ $used = append $used $name }}{{ end }}{{ end -}}
{{- $entra := has "entra" (list $v.readModel.auth $v.readModelReplica.auth $v.sessions.auth $v.limits.auth) -}}
{{- if and (hasPrefix "abfss:" $v.export.target) (eq $v.export.login "identity") }}{{ $entra = true }}{{ end -}}
{{- if and $v.goldTables.url (eq $v.goldTables.login "identity") }}{{ $entra = true }}{{ end -}}
{{- if or $entra (ne $v.identity.issuer "embedded") }}{{ $used = append $used "identity" }}{{ end -}}
{{- if $v.telemetry.endpoint }}{{ $used = append $used "telemetry" }}{{ end -}}
{{- if and (ne $v.export.target "none") (not (hasPrefix "folder:" $v.export.target)) }}{{ $used = append $used "lake" }}{{ end -}}
{{- toJson $used -}}
{{- end }}

{{/* The services that the values start. */}}
{{- define "payledger.usedServices" -}}
{{- $v := .Values -}}
{{- $used := list -}}
{{- if eq $v.mode "embedded" }}{{ $used = list "ledger" }}{{ else -}}
{{- $used = list "command-service" "query-service" "projections" -}}
{{- if $v.broker.url }}{{ $used = append $used "mirror" }}{{ end -}}
{{- if ne $v.export.target "none" }}{{ $used = append $used "export" }}{{ end -}}
{{- end -}}
{{- toJson $used -}}
{{- end }}
