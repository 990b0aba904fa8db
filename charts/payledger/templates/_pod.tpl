{{/*
The pod of a service. root, service; args: instead of the service's; resources; settings; startSeconds;
data: the volume at /data, by default an empty one that goes with the pod; once: the pod ends by itself.
*/}}
{{- define "payledger.pod" -}}
{{- $v := .root.Values -}}
{{- $service := index (include "payledger.services" . | fromYaml) .service -}}
{{- $secrets := include "payledger.secrets" . -}}
{{- $keys := include "payledger.keys" . | fromYaml -}}
metadata:
  labels:
    {{- include "payledger.labels" . | nindent 4 }}
    {{- with .part }}
    payledger.io/projection: {{ . }}
    {{- end }}
    {{- if and $v.workloadIdentity.enabled $service.identity }}
    azure.workload.identity/use: "true"
    {{- end }}
  {{- with $v.podAnnotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- if and $service.identity $v.workloadIdentity.enabled }}
  serviceAccountName: {{ include "payledger.name" . }}
  {{- end }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ $v.graceSeconds }}
  securityContext: {{- include "payledger.podSecurity" . | nindent 4 }}
  {{- with $v.image.pullSecrets }}
  imagePullSecrets: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $v.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with $v.nodeSelector }}
  nodeSelector: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $v.tolerations }}
  tolerations: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if .once }}
  restartPolicy: OnFailure
  {{- else }}
  topologySpreadConstraints:
    {{- range $key := list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
    - maxSkew: 1
      topologyKey: {{ $key }}
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels: {{- include "payledger.selector" $ | nindent 10 }}
    {{- end }}
  {{- end }}
  containers:
    - name: {{ .service }}
      image: {{ include "payledger.image" .root }}
      imagePullPolicy: {{ $v.image.pullPolicy }}
      args: {{- toYaml (.args | default $service.args) | nindent 8 }}
      env: {{- include "payledger.environment" . | trim | nindent 8 }}
      {{- if not .once }}
      ports:
        {{- if $service.api }}
        - { name: api, containerPort: 8080 }
        {{- end }}
        {{- if ne .service "ledger" }}
        - { name: operations, containerPort: 9090 }
        {{- end }}
      {{- $port := eq .service "ledger" | ternary "api" "operations" }}
      startupProbe:
        httpGet: { path: /livez, port: {{ $port }} }
        periodSeconds: 5
        failureThreshold: {{ div (.startSeconds | default 120) 5 }}
      livenessProbe:
        httpGet: { path: /livez, port: {{ $port }} }
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 6
      readinessProbe:
        httpGet: { path: /readyz, port: {{ $port }} }
        periodSeconds: 5
        timeoutSeconds: 3
        failureThreshold: 2
      lifecycle:
        preStop:
          sleep: { seconds: {{ $v.preStopSeconds }} }
      {{- end }}
      resources: {{- toYaml .resources | nindent 8 }}
      securityContext: {{- include "payledger.containerSecurity" . | nindent 8 }}
      volumeMounts:
        - { name: data, mountPath: /data }
        - { name: tmp, mountPath: /tmp }
        {{- if $keys }}
        - { name: keys, mountPath: /data/keys, readOnly: true }
        {{- end }}
        {{- if $secrets }}
        - { name: secrets, mountPath: /secrets, readOnly: true }
        {{- end }}
  volumes:
    {{- if eq (.data | default "empty") "empty" }}
    - { name: data, emptyDir: { sizeLimit: 1Gi } }
    {{- else if ne .data "template" }}
    - { name: data, persistentVolumeClaim: { claimName: {{ .data }} } }
    {{- end }}
    - { name: tmp, emptyDir: { sizeLimit: 256Mi } }
    {{- $items := list }}
    {{- range $name := splitList "," $secrets }}{{ if $name }}{{ $items = append $items (dict "key" $name "path" $name) }}{{ end }}{{ end }}
    {{- $keyItems := list }}
    {{- range $name, $file := $keys }}{{ $keyItems = append $keyItems (dict "key" $name "path" $file) }}{{ end }}
    {{- include "payledger.secretVolume" (dict "root" .root "service" .service "volume" "keys" "items" $keyItems) | nindent 4 }}
    {{- include "payledger.secretVolume" (dict "root" .root "service" .service "volume" "secrets" "items" $items) | nindent 4 }}
{{- end }}

{{/* A volume with secrets: from the Secret, or by the CSI driver from the Key Vault. */}}
{{- define "payledger.secretVolume" -}}
{{- if .items }}
{{- $v := .root.Values }}
- name: {{ .volume }}
  {{- if $v.secrets.keyVault.name }}
  csi:
    driver: secrets-store.csi.k8s.io
    readOnly: true
    volumeAttributes: { secretProviderClass: {{ include "payledger.name" . }}-{{ .volume }} }
  {{- else }}
  secret:
    secretName: {{ $v.secrets.existingSecret }}
    defaultMode: 0440
    items: {{- toYaml .items | nindent 6 }}
  {{- end }}
{{- end }}
{{- end }}
