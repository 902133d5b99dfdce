import assert from "node:assert/strict";
import type { KubeObject } from "../../../client/types.ts";
import type { Kind } from "../registry/kind.ts";
import { cronJobs } from "./cronjobs.ts";
import { podDisruptionBudgets } from "./poddisruptionbudgets.ts";
import { podTemplates } from "./podtemplates.ts";
import { resourceQuotas } from "./resourcequotas.ts";
import { statefulSets } from "./statefulsets.ts";

const template = { metadata: { labels: { a: "b" } }, spec: { containers: [{ name: "c", image: "i" }] } };
const job = { spec: { containers: [{ name: "c", image: "i" }], restartPolicy: "Never" } };
type Fields = { readonly [field: string]: unknown };

function stored(kind: Kind, fields: Fields): KubeObject {
  const object: KubeObject = {
    apiVersion: `${kind.group === "" ? "" : `${kind.group}/`}${kind.version}`,
    kind: kind.kind,
    metadata: {
      name: "u",
      namespace: "k1",
      uid: "u",
      resourceVersion: "1",
      creationTimestamp: "t",
      generation: 1,
    },
    ...structuredClone(fields),
  };
  kind.applyDefaults(object);
  kind.prepareForCreate?.(object);
  return object;
}

/** An update through the main resource, as the registry makes it ready. */
function updated(kind: Kind, current: KubeObject, change: Fields): KubeObject {
  const next = merged(current, change);
  kind.applyDefaults(next);
  kind.prepareForUpdate?.(next, current);
  kind.dropDisabled?.(next, current);
  return next;
}

function merged(current: KubeObject, change: Fields): KubeObject {
  const next = structuredClone(current);
  for (const [name, value] of Object.entries(change))
    next[name] = { ...(next[name] as Fields), ...(value as Fields) };
  return next;
}

function updateProblems(kind: Kind, fields: Fields, change: Fields): readonly string[] {
  const current = stored(kind, fields);
  const next = updated(kind, current, change);
  const problems = [
    ...kind.validate(next, undefined, current),
    ...(kind.validateUpdate?.(next, current) ?? []),
  ];
  return problems.map(({ field, message }) => `${field}: ${message}`);
}

function statusProblems(kind: Kind, fields: Fields, status: Fields): readonly string[] {
  const current = stored(kind, fields);
  const next = { ...structuredClone(current), status };
  return kind.validate(next, undefined, current).map(({ field, message }) => `${field}: ${message}`);
}

const set = { spec: { selector: { matchLabels: { a: "b" } }, template, serviceName: "a" } };
const fixed =
  "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";

describe("updates, refused as kube-apiserver 1.36.3 does", () => {
  it("of a stateful set: what makes its pods' identities", () => {
    assert.deepEqual(updateProblems(statefulSets, set, { spec: { serviceName: "b" } }), [fixed]);
    assert.deepEqual(updateProblems(statefulSets, set, { spec: { podManagementPolicy: "Parallel" } }), [
      fixed,
    ]);
    const fine = { replicas: 3, minReadySeconds: 1, revisionHistoryLimit: 2, ordinals: { start: 2 } };
    assert.deepEqual(updateProblems(statefulSets, set, { spec: fine }), []);
    assert.deepEqual(updateProblems(statefulSets, set, { spec: { selector: { matchLabels: { a: "c" } } } }), [
      'spec.template.metadata.labels: Invalid value: {"a":"b"}: `selector` does not match template `labels`',
      fixed,
    ]);
  });

  it("of a stateful set's status: numbers that cannot be", () => {
    const over = (name: string, value: number) =>
      `status.${name}: Invalid value: ${value}: cannot be greater than status.replicas`;
    const least = "must be greater than or equal to 0";
    const cases: readonly (readonly [Fields, ...string[]])[] = [
      [{ replicas: 1, readyReplicas: 2 }, over("readyReplicas", 2)],
      [
        { replicas: -1 },
        `status.replicas: Invalid value: -1: ${least}`,
        ...["readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"].map((name) =>
          over(name, 0),
        ),
      ],
      [
        { replicas: 2, readyReplicas: 1, availableReplicas: 2 },
        "status.availableReplicas: Invalid value: 2: cannot be greater than status.readyReplicas",
      ],
      [
        { replicas: 1, currentReplicas: 2, updatedReplicas: 2, observedGeneration: -1 },
        `status.observedGeneration: Invalid value: -1: ${least}`,
        over("currentReplicas", 2),
        over("updatedReplicas", 2),
      ],
      [{ replicas: 1, collisionCount: -1 }, `status.collisionCount: Invalid value: -1: ${least}`],
    ];
    for (const [status, ...expected] of cases)
      assert.deepEqual(statusProblems(statefulSets, set, status), expected);
  });

  it("of a quota: its scopes, and amounts in its status", () => {
    const quota = { spec: { hard: { pods: "1" }, scopes: ["BestEffort"] } };
    assert.deepEqual(updateProblems(resourceQuotas, quota, { spec: { scopes: ["NotBestEffort"] } }), [
      'spec.scopes: Invalid value: ["NotBestEffort"]: field is immutable',
    ]);
    assert.deepEqual(updateProblems(resourceQuotas, quota, { spec: { hard: { pods: "3" } } }), []);
    assert.deepEqual(statusProblems(resourceQuotas, quota, { hard: { foo: "1" }, used: { pods: "-1" } }), [
      'status.hard[foo]: Invalid value: "foo": must be a standard resource type or fully qualified',
      'status.hard[foo]: Invalid value: "foo": must be a standard resource for quota',
      'status.used[pods]: Invalid value: "-1": must be greater than or equal to 0',
    ]);
  });

  it("of a cron job: a time zone in a schedule that had none", () => {
    const cron = { spec: { schedule: "* * * * *", jobTemplate: { spec: { template: job } } } };
    const zoned = { spec: { schedule: "TZ=UTC * * * * *" } };
    assert.deepEqual(updateProblems(cronJobs, cron, zoned), [
      'spec.schedule: Invalid value: "TZ=UTC * * * * *": cannot use TZ or CRON_TZ in schedule, use timeZone field instead',
    ]);
    const old = { spec: { ...cron.spec, schedule: "TZ=UTC 1 * * * *" } };
    assert.deepEqual(updateProblems(cronJobs, old, zoned), []);
    assert.deepEqual(updateProblems(cronJobs, old, { spec: { ...zoned.spec, timeZone: "UTC" } }), [
      'spec.schedule: Invalid value: "TZ=UTC * * * * *": cannot use both timeZone field and TZ or CRON_TZ in schedule',
    ]);
  });

  it("of a disruption budget's status: negative numbers, conditions that say nothing", () => {
    const budget = { spec: { minAvailable: 1 } };
    const counts = ["disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"];
    assert.deepEqual(
      statusProblems(podDisruptionBudgets, budget, Object.fromEntries(counts.map((name) => [name, -1]))),
      counts.map((name) => `status.${name}: Invalid value: -1: must be greater than or equal to 0`),
    );
    const conditions = [
      { type: "a b", status: "Foo", reason: "9", message: "" },
      { type: "a b", status: "True", lastTransitionTime: "2024-01-01T00:00:00Z", observedGeneration: -1 },
    ];
    const name =
      "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
    assert.deepEqual(statusProblems(podDisruptionBudgets, budget, { conditions }), [
      `status.conditions[0].type: Invalid value: "a b": ${name}`,
      'status.conditions[0].status: Unsupported value: "Foo": supported values: "False", "True", "Unknown"',
      "status.conditions[0].lastTransitionTime: Required value",
      "status.conditions[0].reason: Invalid value: \"9\": a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName',  or 'ReasonA,ReasonB',  or 'ReasonA:ReasonB', regex used for validation is '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?')",
      'status.conditions[1].type: Duplicate value: "a b"',
      `status.conditions[1].type: Invalid value: "a b": ${name}`,
      "status.conditions[1].observedGeneration: Invalid value: -1: must be greater than or equal to zero",
      "status.conditions[1].reason: Required value",
    ]);
  });
});

describe("a pod template", () => {
  it("counts changes of its template as generations, and no others", () => {
    const current = stored(podTemplates, { template });
    const other = { metadata: { labels: { c: "d" } }, spec: template.spec };
    assert.equal(updated(podTemplates, current, { template: other }).metadata.generation, 2);
    assert.equal(updated(podTemplates, current, { metadata: { labels: { a: "b" } } }).metadata.generation, 1);
  });
});

describe("columns of kubectl get, as kube-apiserver 1.36.3 has them", () => {
  const nowMs = Date.parse("2026-11-28T08:48:00Z");
  const shown = (kind: Kind, fields: Fields) => {
    const object = stored(kind, fields);
    if (fields.status !== undefined) object.status = fields.status;
    object.metadata.creationTimestamp = "2026-11-28T08:47:00Z";
    return kind.columns.map(({ name, type, priority }, index) =>
      [name, type, priority, kind.cells(object, nowMs)[index]].join(" "),
    );
  };

  it("for the kinds with columns of their own", () => {
    assert.deepEqual(shown(statefulSets, set), [
      "Ready string 0 0/1",
      "Age string 0 60s",
      "Containers string 1 c",
      "Images string 1 i",
    ]);
    const jobTemplate = { spec: { template: job } };
    const spec = { schedule: "* * * * *", jobTemplate };
    assert.deepEqual(
      shown(cronJobs, { spec, status: { lastScheduleTime: "2026-11-28T08:47:30Z", active: [{}] } }),
      [
        "Schedule string 0 * * * * *",
        "Timezone string 0 <none>",
        "Suspend boolean 0 False",
        "Active integer 0 1",
        "Last Schedule string 0 30s",
        "Age string 0 60s",
        "Containers string 1 c",
        "Images string 1 i",
        "Selector string 1 <none>",
      ],
    );
    assert.deepEqual(shown(podDisruptionBudgets, { spec: { minAvailable: "10%" } }), [
      "Min Available string 0 10%",
      "Max Unavailable string 0 N/A",
      "Allowed Disruptions integer 0 0",
      "Age string 0 60s",
    ]);
    assert.deepEqual(shown(podTemplates, { template }), [
      "Containers string 0 c",
      "Images string 0 i",
      "Pod Labels string 0 a=b",
    ]);
    const hard = { pods: "2", "limits.cpu": "1500m", "requests.memory": "1Gi" };
    const status = { hard, used: { pods: "1", "limits.cpu": "0.5", "requests.memory": "0" } };
    assert.deepEqual(shown(resourceQuotas, { spec: { hard }, status }), [
      "Request string 0 pods: 1/2, requests.memory: 0/1Gi",
      "Limit string 0 limits.cpu: 500m/1500m",
      "Age string 0 60s",
    ]);
  });
});
