{{- define "agent.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "agent.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains (include "agent.name" .) .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "agent.name" .) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "agent.selectorLabels" -}}
app.kubernetes.io/name: {{ include "agent.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "agent.labels" -}}
{{ include "agent.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name (replace "+" "_" .Chart.Version) }}
{{- end -}}

{{- define "agent.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "agent.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- required "serviceAccount.name: name an account that exists, or set serviceAccount.create" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "agent.image" -}}
{{- $tag := default .Chart.AppVersion .Values.image.tag -}}
{{- if eq .Values.visibility "full" -}}
{{- $tag = printf "%s%s" $tag .Values.image.capabilitiesSuffix -}}
{{- end -}}
{{- printf "%s:%s" .Values.image.repository $tag -}}
{{- end -}}

{{- /* The security context of the container: added capabilities are void for a user that is not root, so "full" needs the binary with file capabilities. */ -}}
{{- define "agent.securityContext" -}}
{{- $privileged := eq .Values.gpu.access "privileged" -}}
privileged: {{ $privileged }}
{{- if not $privileged }}
allowPrivilegeEscalation: false
{{- end }}
readOnlyRootFilesystem: true
runAsNonRoot: true
{{- if eq .Values.visibility "same-user" }}
runAsUser: {{ .Values.user.uid }}
runAsGroup: {{ .Values.user.gid }}
{{- else }}
runAsUser: 10001
runAsGroup: 10001
{{- end }}
capabilities:
  drop: [ALL]
  {{- if eq .Values.visibility "full" }}
  add: [SYS_PTRACE, DAC_READ_SEARCH]
  {{- end }}
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- /* What a pod needs on top of config/agent.yaml: the pod's address, the node's root, storage. */ -}}
{{- define "agent.podConfig" -}}
receivers:
  facefusion:
    storage: state_storage
  {{- if .Values.hostRoot.enabled }}
  host_metrics:
    root_path: /host
  {{- end }}
extensions:
  health_check:
    endpoint: ${env:POD_IP}:{{ .Values.ports.health }}
  state_storage:
    directory: /var/lib/otelcol-facefusion
exporters:
  prometheus:
    endpoint: ${env:POD_IP}:{{ .Values.ports.metrics }}
{{- if .Values.k8sAttributes.enabled }}
processors:
  k8s_attributes:
    auth_type: serviceAccount
    filter:
      node_from_env_var: NODE_NAME
    pod_association:
      - sources:
          - from: resource_attribute
            name: k8s.pod.uid
      - sources:
          - from: resource_attribute
            name: container.id
    extract:
      metadata: [k8s.namespace.name, k8s.pod.name, k8s.pod.uid, k8s.node.name, k8s.deployment.name, k8s.statefulset.name, k8s.container.name]
{{- end }}
service:
  extensions: [health_check, state_storage]
  {{- if .Values.k8sAttributes.enabled }}
  pipelines:
    metrics:
      processors: [memory_limiter, k8s_attributes]
  {{- end }}
  telemetry:
    metrics:
      readers:
        - pull:
            exporter:
              prometheus:
                host: ${env:POD_IP}
                port: {{ .Values.ports.telemetry }}
{{- end -}}

{{- define "agent.config" -}}
{{- $config := .Files.Get "files/agent.yaml" | fromYaml -}}
{{- $config = mergeOverwrite $config (include "agent.podConfig" . | fromYaml) -}}
{{- $config = mergeOverwrite $config (deepCopy .Values.config) -}}
{{- toYaml $config -}}
{{- end -}}
