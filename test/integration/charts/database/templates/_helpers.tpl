{{- define "database.labels" -}}
app.kubernetes.io/name: database
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{- define "database.selector" -}}
app.kubernetes.io/name: database
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{/* The pods of a primary and of read replicas, which differ in their part, number and disk. */}}
{{- define "database.statefulset" -}}
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: {{ .root.Release.Name }}-{{ .component }}
  labels: {{- include "database.labels" .root | nindent 4 }}
spec:
  replicas: {{ .replicas }}
  serviceName: {{ .root.Release.Name }}-{{ .component }}-hl
  selector: { matchLabels: {{ include "database.selector" . | fromYaml | toJson }} }
  updateStrategy: { type: RollingUpdate, rollingUpdate: {} }
  persistentVolumeClaimRetentionPolicy: { whenDeleted: {{ .whenDeleted }}, whenScaled: Retain }
  template:
    metadata:
      labels: {{- include "database.labels" .root | nindent 8 }}
        app.kubernetes.io/component: {{ .component }}
      annotations:
        checksum/configuration: {{ include (print .root.Template.BasePath "/configuration.yaml") .root | sha256sum }}
    spec:
      serviceAccountName: {{ .root.Release.Name }}
      automountServiceAccountToken: false
      terminationGracePeriodSeconds: 30
      securityContext: { fsGroup: 1001, fsGroupChangePolicy: Always }
      {{- with .root.Values.nodeSelector }}
      nodeSelector: {{- toYaml . | nindent 8 }}
      {{- end }}
      affinity:
        podAntiAffinity:
          requiredDuringSchedulingIgnoredDuringExecution:
            - labelSelector: { matchLabels: {{ include "database.selector" . | fromYaml | toJson }} }
              topologyKey: kubernetes.io/hostname
      initContainers:
        - name: init-permissions
          image: {{ .root.Values.image }}
          command: [/bin/sh, -ec, "mkdir -p /data/pgdata && chown 1001:1001 /data/pgdata && chmod 700 /data/pgdata"]
          securityContext: { runAsUser: 0, allowPrivilegeEscalation: false }
          volumeMounts: [{ name: data, mountPath: /data }, { name: empty, mountPath: /tmp, subPath: tmp }]
      containers:
        - name: database
          image: {{ .root.Values.image }}
          imagePullPolicy: IfNotPresent
          command: {{ tpl (toJson .root.Values.commands.run) . }}
          env:
            - { name: POD_NAME, valueFrom: { fieldRef: { fieldPath: metadata.name } } }
            - { name: PRIMARY_HOST, value: {{ .root.Release.Name }}-primary }
            - { name: DATABASE, value: {{ .root.Values.auth.database }} }
            - { name: PASSWORD_FILE, value: /secrets/password }
          ports: [{ name: tcp-database, containerPort: 5432 }]
          startupProbe: { exec: { command: {{ toJson .root.Values.commands.isReady }} }, periodSeconds: 1, failureThreshold: 60 }
          livenessProbe: { exec: { command: {{ toJson .root.Values.commands.isReady }} }, periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6 }
          readinessProbe: { exec: { command: {{ toJson .root.Values.commands.isReady }} }, periodSeconds: 5, timeoutSeconds: 5 }
          lifecycle: { preStop: { exec: { command: {{ toJson .root.Values.commands.checkpoint }} } } }
          securityContext: { runAsNonRoot: true, runAsUser: 1001, readOnlyRootFilesystem: true, capabilities: { drop: [ALL] } }
          resources: { requests: { cpu: 100m, memory: 128Mi }, limits: { memory: 192Mi } }
          volumeMounts:
            - { name: data, mountPath: /data }
            - { name: configuration, mountPath: /etc/database/conf.d }
            - { name: password, mountPath: /secrets, readOnly: true }
            - { name: empty, mountPath: /tmp, subPath: tmp }
            - { name: dshm, mountPath: /dev/shm }
            {{- if eq .component "primary" }}
            - { name: archive, mountPath: /archive }
            {{- end }}
      volumes:
        - { name: configuration, configMap: { name: {{ .root.Release.Name }}-configuration } }
        - { name: password, secret: { secretName: {{ .root.Release.Name }}, defaultMode: 0440 } }
        - { name: empty, emptyDir: {} }
        - { name: dshm, emptyDir: { medium: Memory, sizeLimit: 64Mi } }
        {{- if eq .component "primary" }}
        - { name: archive, persistentVolumeClaim: { claimName: {{ .root.Release.Name }}-archive } }
        {{- end }}
  volumeClaimTemplates:
    - apiVersion: v1
      kind: PersistentVolumeClaim
      metadata: { name: data }
      spec:
        accessModes: [ReadWriteOnce]
        storageClassName: {{ .root.Values.storageClass }}
        resources: { requests: { storage: {{ .storage }} } }
{{- end -}}
