import assert from "node:assert/strict";
import type { KubeObject } from "../../../client/types.ts";
import { kinds } from "./table.ts";

const containers = [{ name: "c", image: "i" }];
const labels = { a: "b" };
const template = (spec: object = {}) => ({ metadata: { labels }, spec: { containers, ...spec } });
const owned = (spec: object) => ({ spec: { selector: { matchLabels: labels }, ...spec } });
const namePart =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const nobodys = "name is neither a standard finalizer name nor is it fully qualified";

/** A kind, an object's fields and metadata, and what kube-apiserver 1.36.3 says of it. */
const cases: readonly (readonly [kind: string, fields: object, meta: object, ...problems: string[]])[] = [
  [
    "DaemonSet",
    owned({ template: template({ activeDeadlineSeconds: 5 }), updateStrategy: { type: "Foo" } }),
    {},
    "spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in DaemonSet is not Supported",
    'spec.updateStrategy: Unsupported value: {"Type":"Foo","RollingUpdate":null}: supported values: "RollingUpdate", "OnDelete"',
  ],
  [
    "DaemonSet",
    owned({ template: template(), updateStrategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } } }),
    {},
    "spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero",
  ],
  [
    "DaemonSet",
    owned({ template: template(), updateStrategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: "0%" } } }),
    {},
    "spec.updateStrategy.rollingUpdate.maxUnavailable: Required value: cannot be 0 when maxSurge is 0",
  ],
  ...["Deployment", "ReplicaSet"].map(
    (kind) =>
      [
        kind,
        owned({ template: template({ activeDeadlineSeconds: 5 }) }),
        {},
        "spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in ReplicaSet is not Supported",
      ] as const,
  ),
  // A template's image is looked at once it is a pod's.
  ["ReplicaSet", owned({ template: template({ containers: [{ name: "c", image: " i" }] }) }), {}],
  [
    "ReplicationController",
    { spec: { selector: labels, template: template({ activeDeadlineSeconds: 5 }) } },
    {},
    "spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in ReplicationController is not Supported",
  ],
  [
    "Job",
    { spec: { template: { spec: { containers, restartPolicy: "Always" } } } },
    {},
    'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
  ],
  [
    "Job",
    {
      spec: {
        manualSelector: true,
        selector: { matchLabels: { other: "b" } },
        template: template({ restartPolicy: "Never" }),
      },
    },
    {},
    'spec.template.metadata.labels: Invalid value: {"a":"b"}: `selector` does not match template `labels`',
  ],
  [
    "Node",
    {
      spec: { podCIDRs: ["10.0.0.0/24", "10.0.1.0/24"] },
      status: { capacity: { cpu: "-1" }, allocatable: { "example.com/gpu": "500m" } },
    },
    {},
    'status.capacity.cpu: Invalid value: "-1": must be greater than or equal to 0',
    'status.allocatable.example.com/gpu: Invalid value: "500m": must be an integer',
    'spec.podCIDRs: Invalid value: ["10.0.0.0/24","10.0.1.0/24"]: may specify no more than one CIDR for each IP family',
  ],
  ["Node", { spec: { podCIDRs: ["10.0.0.0/24", "fd00::/64"] } }, {}],
  [
    "Node",
    { spec: { taints: ["", ""].map(() => ({ key: "a", effect: "NoSchedule" })) } },
    {},
    'metadata.taints[1]: Duplicate value: {"Key":"a","Value":"","Effect":"NoSchedule","TimeAdded":null}: taints must be unique by key and effect pair',
  ],
  [
    "Event",
    {
      involvedObject: { namespace: "default" },
      eventTime: "2026-01-01T00:00:00.000000Z",
      reportingComponent: "a b",
    },
    {},
    `reportingComponent: Invalid value: "a b": ${namePart}`,
    "reportingInstance: Required value",
    "action: Required value",
    "reason: Required value",
  ],
  ["Event", { involvedObject: { namespace: "default" } }, {}],
  [
    "Namespace",
    { spec: { finalizers: ["a b"] } },
    {},
    `spec.finalizers: Invalid value: "a b": ${namePart}`,
    `spec.finalizers: Invalid value: "a b": ${nobodys}`,
  ],
  [
    "ConfigMap",
    {},
    {
      finalizers: ["orphan", "foregroundDeletion", "foo"],
      ownerReferences: [
        { apiVersion: "v1", kind: "Event", name: "a", uid: "b" },
        { apiVersion: "", kind: "", name: "", uid: "" },
      ],
    },
    'metadata.ownerReferences: Invalid value: {"apiVersion":"v1","kind":"Event","name":"a","uid":"b"}: /v1, Kind=Event is disallowed from being an owner',
    'metadata.ownerReferences.apiVersion: Invalid value: "": version must not be empty',
    'metadata.ownerReferences.kind: Invalid value: "": must not be empty',
    'metadata.ownerReferences.name: Invalid value: "": must not be empty',
    'metadata.ownerReferences.uid: Invalid value: "": must not be empty',
    'metadata.finalizers: Invalid value: ["orphan","foregroundDeletion","foo"]: finalizer orphan and foregroundDeletion cannot be both set',
    `metadata.finalizers[2]: Invalid value: "foo": ${nobodys}`,
  ],
  ...["z", "2147483648", "01"].map(
    (cost) =>
      [
        "Pod",
        { spec: { containers } },
        { annotations: { "controller.kubernetes.io/pod-deletion-cost": cost } },
        `metadata.annotations[controller.kubernetes.io/pod-deletion-cost]: Invalid value: "${cost}": must be a 32bit integer`,
      ] as const,
  ),
  [
    "Pod",
    { spec: { containers } },
    {
      annotations: { "controller.kubernetes.io/pod-deletion-cost": "-5", "kubernetes.io/config.mirror": "x" },
    },
    'metadata.annotations[kubernetes.io/config.mirror]: Invalid value: "x": must set spec.nodeName if mirror pod annotation is set',
  ],
];

function problemsOf(name: string, fields: object, meta: object): readonly string[] {
  const kind = kinds.find((one) => one.kind === name);
  assert.ok(kind);
  const metadata = { name: "x", uid: "u", ...(kind.namespaced && { namespace: "default" }), ...meta };
  const object = structuredClone({ kind: name, metadata, ...fields }) as unknown as KubeObject;
  kind.applyDefaults(object);
  if (name !== "Namespace") kind.prepareForCreate?.(object);
  return kind.validate(object).map(({ field, message }) => `${field}: ${message}`);
}

describe("what is wrong with an object is what Kubernetes says of it:", () => {
  for (const [kind, fields, meta, ...problems] of cases)
    it(`${kind} ${JSON.stringify({ ...fields, ...meta }).slice(0, 100)}`, () =>
      assert.deepEqual([...problemsOf(kind, fields, meta)].sort(), [...problems].sort()));
});
