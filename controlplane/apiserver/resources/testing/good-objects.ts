type Json = Record<string, unknown>;

export const containers = [{ name: "c", image: "busybox:1" }];
export const template = { metadata: { labels: { app: "web" } }, spec: { containers } };
export const selector = { matchLabels: { app: "web" } };
export const jobTemplate = { spec: { containers, restartPolicy: "Never" } };
/** Asked by O=dev, CN=jane. */
const request = Buffer.from(
  [
    "-----BEGIN CERTIFICATE REQUEST-----",
    "MIHWMH8CAQAwHTEMMAoGA1UECgwDZGV2MQ0wCwYDVQQDDARqYW5lMFkwEwYHKoZI",
    "zj0CAQYIKoZIzj0DAQcDQgAEmvlgjZ5IZoUaoosUClF7AwORi+qedz9LX9Gzb+kv",
    "LrXATl6ZQS//X1zcHAEGBGqoPkR9p9FY8olqve5uT+DZVKAAMAoGCCqGSM49BAMC",
    "A0cAMEQCIFosHFbDl2RwWKIdP9pJ0hH7FRwfJyaI49GEeZEljYouAiAptS1QDlN7",
    "0Sbrbo3MGXYo6B6wY3JTIUXAM1zzG82C3g==",
    "-----END CERTIFICATE REQUEST-----",
    "",
  ].join("\n"),
).toString("base64");
const webhook = {
  name: "w.example.com",
  clientConfig: { url: "https://example.com/w" },
  rules: [{ operations: ["CREATE"], apiGroups: [""], apiVersions: ["v1"], resources: ["pods"] }],
  sideEffects: "None",
  admissionReviewVersions: ["v1"],
};

/** One good object of each kind that is stored, by kind. */
export const good: Readonly<Record<string, Json>> = {
  ConfigMap: { data: { a: "b" } },
  Endpoints: { subsets: [{ addresses: [{ ip: "10.0.0.1" }], ports: [{ port: 80 }] }] },
  Event: { involvedObject: { kind: "Pod", name: "p", namespace: "default" }, reason: "Started" },
  Namespace: {},
  Node: {},
  Pod: { spec: { containers } },
  ReplicationController: { spec: { template } },
  Secret: { stringData: { a: "b" } },
  ServiceAccount: {},
  Service: { spec: { ports: [{ port: 80 }] } },
  ControllerRevision: { data: {}, revision: 1 },
  DaemonSet: { spec: { selector, template } },
  Deployment: { spec: { selector, template } },
  ReplicaSet: { spec: { selector, template } },
  Job: { spec: { template: jobTemplate } },
  Lease: { spec: { holderIdentity: "me" } },
  PersistentVolume: {
    spec: { capacity: { storage: "1Gi" }, accessModes: ["ReadWriteOnce"], hostPath: { path: "/d" } },
  },
  PersistentVolumeClaim: {
    spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
  },
  Ingress: { spec: { defaultBackend: { service: { name: "web", port: { number: 80 } } } } },
  IngressClass: { spec: { controller: "example.com/ingress" } },
  NetworkPolicy: { spec: {} },
  PriorityClass: { value: 5 },
  RuntimeClass: { handler: "gvisor" },
  ValidatingAdmissionPolicy: {
    spec: {
      matchConstraints: {
        resourceRules: [
          { apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["configmaps"] },
        ],
      },
      validations: [{ expression: "has(object.data)" }],
    },
  },
  MutatingAdmissionPolicy: {
    spec: {
      matchConstraints: {
        resourceRules: [
          { apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["configmaps"] },
        ],
      },
      reinvocationPolicy: "Never",
      mutations: [{ patchType: "ApplyConfiguration", applyConfiguration: { expression: "Object{}" } }],
    },
  },
  MutatingAdmissionPolicyBinding: { spec: { policyName: "p" } },
  ValidatingAdmissionPolicyBinding: { spec: { policyName: "p", validationActions: ["Deny"] } },
  CSIDriver: { spec: {} },
  CSINode: { spec: { drivers: [{ name: "disks.example.com", nodeID: "n" }] } },
  CSIStorageCapacity: { storageClassName: "gold" },
  VolumeAttachment: {
    spec: { attacher: "disks.example.com", nodeName: "n", source: { persistentVolumeName: "v" } },
  },
  VolumeAttributesClass: { driverName: "disks.example.com", parameters: { iops: "100" } },
  StorageClass: { provisioner: "example.com/disks" },
  EndpointSlice: { addressType: "IPv4", endpoints: [{ addresses: ["10.0.0.1"] }], ports: [{ port: 80 }] },
  Role: { rules: [{ verbs: ["get"], apiGroups: [""], resources: ["pods"] }] },
  ClusterRole: { rules: [{ verbs: ["get"], nonResourceURLs: ["/metrics"] }] },
  RoleBinding: { roleRef: { kind: "Role", name: "r" }, subjects: [{ kind: "User", name: "jane" }] },
  LimitRange: { spec: { limits: [{ type: "Container", max: { cpu: "1" } }] } },
  PodTemplate: { template },
  ResourceQuota: { spec: { hard: { pods: "2" } } },
  StatefulSet: { spec: { selector, template, serviceName: "web" } },
  CronJob: { spec: { schedule: "0 3 * * *", jobTemplate: { spec: { template: jobTemplate } } } },
  CertificateSigningRequest: {
    spec: { request, signerName: "kubernetes.io/kube-apiserver-client", usages: ["client auth"] },
  },
  IPAddress: {
    metadata: { name: "10.96.0.9" },
    spec: { parentRef: { resource: "services", namespace: "default", name: "web" } },
  },
  ServiceCIDR: { spec: { cidrs: ["10.96.0.0/16"] } },
  DeviceClass: { spec: {} },
  ResourceClaim: {
    spec: { devices: { requests: [{ name: "gpu", exactly: { deviceClassName: "gpus" } }] } },
  },
  ResourceClaimTemplate: { spec: { spec: {} } },
  ResourceSlice: {
    spec: { driver: "gpus.example.com", pool: { name: "p", resourceSliceCount: 1 }, allNodes: true },
  },
  HorizontalPodAutoscaler: {
    spec: { maxReplicas: 3, scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" } },
  },
  PodDisruptionBudget: { spec: { selector, minAvailable: 1 } },
  FlowSchema: {
    spec: {
      priorityLevelConfiguration: { name: "workload-low" },
      rules: [
        {
          subjects: [{ kind: "User", user: { name: "jane" } }],
          nonResourceRules: [{ verbs: ["get"], nonResourceURLs: ["/metrics"] }],
        },
      ],
    },
  },
  PriorityLevelConfiguration: {
    spec: { type: "Limited", limited: { limitResponse: { type: "Queue", queuing: {} } } },
  },
  APIService: {
    metadata: { name: "v1.example.com" },
    spec: { group: "example.com", version: "v1", groupPriorityMinimum: 1000, versionPriority: 15 },
  },
  CustomResourceDefinition: {
    metadata: { name: "samples.example.com" },
    spec: {
      group: "example.com",
      scope: "Namespaced",
      names: { plural: "samples", kind: "Sample" },
      versions: [
        { name: "v1", served: true, storage: true, schema: { openAPIV3Schema: { type: "object" } } },
      ],
    },
  },
  MutatingWebhookConfiguration: { webhooks: [webhook] },
  ValidatingWebhookConfiguration: { webhooks: [webhook] },
  ClusterRoleBinding: {
    roleRef: { kind: "ClusterRole", name: "r" },
    subjects: [{ kind: "Group", name: "g" }],
  },
};
