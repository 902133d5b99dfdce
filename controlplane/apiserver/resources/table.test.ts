import assert from "node:assert/strict";
import type { KubeObject } from "../../../client/types.ts";
import { isStored } from "../registry/kind-table.ts";
import { kinds } from "./table.ts";
import { containers, good, jobTemplate, selector, template } from "./testing/good-objects.ts";

type Json = Record<string, unknown>;

function kind(name: string) {
  const found = kinds.find((one) => one.kind === name);
  assert.ok(found);
  return found;
}

/** A new object as the registry makes it ready to be stored. */
function made(name: string, fields: Json, meta: Json = {}): KubeObject {
  const { group, version, namespaced, applyDefaults, prepareForCreate } = kind(name);
  const metadata = {
    name: "x",
    uid: "u-1",
    creationTimestamp: "2026-01-01T00:00:00Z",
    ...(namespaced && { namespace: "default" }),
    ...(fields.metadata as Json | undefined),
    ...meta,
  };
  const apiVersion = group === "" ? version : `${group}/${version}`;
  const object = structuredClone({ ...fields, apiVersion, kind: name, metadata }) as unknown as KubeObject;
  applyDefaults(object);
  prepareForCreate?.(object);
  return object;
}
const problems = (name: string, fields: Json, meta: Json = {}) =>
  kind(name)
    .validate(made(name, fields, meta))
    .map(({ field, message }) => `${field}: ${message}`);
function updateProblems(name: string, current: KubeObject, change: (next: Json & { spec: Json }) => void) {
  const next = structuredClone(current);
  change(next as unknown as Json & { spec: Json });
  kind(name).applyDefaults(next);
  kind(name).prepareForUpdate?.(next, current);
  return [
    ...kind(name).validate(next, undefined, current),
    ...(kind(name).validateUpdate?.(next, current) ?? []),
  ].map(({ field, message }) => `${field}: ${message}`);
}

describe("every kind", () => {
  for (const one of kinds.filter(isStored)) {
    const fields = good[one.kind] ?? {};
    it(`${one.kind}: a good object passes, has all its cells, and its defaults settle at once`, () => {
      assert.ok(good[one.kind], "has an example here");
      assert.deepEqual(problems(one.kind, fields), []);
      const object = made(one.kind, fields);
      // Kubernetes sends one cell more of an IPAddress than the table has columns.
      const extra = one.kind === "IPAddress" ? 1 : 0;
      assert.equal(one.cells(object, 0).length, one.columns.length + extra);
      const again = structuredClone(object);
      one.applyDefaults(again);
      assert.deepEqual(again, object);
      assert.deepEqual(
        updateProblems(one.kind, object, () => undefined),
        [],
      );
      for (const value of Object.values(one.selectableFields?.(object) ?? {}))
        assert.equal(typeof value, "string");
    });

    it(`${one.kind}: an empty object is refused or fine, never a crash`, () => {
      problems(one.kind, {});
      one.cells(made(one.kind, {}), 0);
      one.selectableFields?.(made(one.kind, {}));
    });

    it(`${one.kind}: names are checked`, () => {
      assert.match(
        problems(one.kind, fields, { name: "Not_Valid/" }).join(),
        /^metadata.name: Invalid value: "Not_Valid\/"/,
      );
    });
  }
});

describe("deployment", () => {
  it("must select its own pods", () => {
    assert.deepEqual(
      problems("Deployment", { spec: { selector: { matchLabels: { app: "db" } }, template } }),
      [
        'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
      ],
    );
  });
  it("keeps its selector", () => {
    const current = made("Deployment", { spec: { selector, template } });
    const found = updateProblems("Deployment", current, (next) => {
      next.spec.selector = { matchLabels: { app: "web", x: "y" } };
      next.spec.template = { ...template, metadata: { labels: { app: "web", x: "y" } } };
    });
    assert.deepEqual(found, [
      'spec.selector: Invalid value: {"matchLabels":{"app":"web","x":"y"}}: field is immutable',
    ]);
  });
  it("always restarts its pods", () => {
    const once = { ...template, spec: { ...template.spec, restartPolicy: "Never" } };
    assert.deepEqual(problems("Deployment", { spec: { selector, template: once } }), [
      'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
    ]);
  });
  it("can move when it rolls", () => {
    const strategy = { rollingUpdate: { maxSurge: 0, maxUnavailable: "0%" } };
    assert.match(
      problems("Deployment", { spec: { selector, template, strategy } }).join(),
      /may not be 0 when `maxSurge` is 0/,
    );
  });
  it("keeps its status when updated", () => {
    const current = made("Deployment", { spec: { selector, template } });
    current.status = { replicas: 3 };
    const next = { ...structuredClone(current), status: { replicas: 0 } };
    kind("Deployment").prepareForUpdate?.(next, current);
    assert.deepEqual(next.status, { replicas: 3 });
  });
});

describe("pod", () => {
  const spec = (fields: Json) => problems("Pod", { spec: { containers, ...fields } });
  const withContainer = (fields: Json) =>
    problems("Pod", { spec: { containers: [{ ...containers[0], ...fields }] } });

  it("starts pending and has its class", () => {
    const pod = made("Pod", { spec: { containers }, status: { phase: "Running" } });
    assert.deepEqual(pod.status, { phase: "Pending", qosClass: "BestEffort" });
    const classOf = (resources: Json) =>
      (
        made("Pod", { spec: { containers: [{ ...containers[0], resources }] } }).status as {
          qosClass: string;
        }
      ).qosClass;
    assert.equal(classOf({ limits: { cpu: "1", memory: "1Gi" } }), "Guaranteed");
    assert.equal(classOf({ requests: { cpu: "1" } }), "Burstable");
  });

  const refused: readonly [string, readonly string[]][] = [
    ["no containers", problems("Pod", { spec: {} })],
    ["no image", withContainer({ image: "" })],
    ["unknown mount", withContainer({ volumeMounts: [{ name: "v", mountPath: "/v" }] })],
    [
      "requests beyond limits",
      withContainer({ resources: { requests: { cpu: "2" }, limits: { cpu: "1" } } }),
    ],
    ["no amount", withContainer({ resources: { requests: { cpu: "x" } } })],
    ["two handlers", withContainer({ livenessProbe: { exec: { command: ["a"] }, tcpSocket: { port: 1 } } })],
    ["no handler", withContainer({ readinessProbe: {} })],
    ["port out of range", withContainer({ ports: [{ containerPort: 70000 }] })],
    ["env without a source", withContainer({ env: [{ name: "A", valueFrom: {} }] })],
    ["env name", withContainer({ env: [{ name: "A=B" }] })],
    ["two volume sources", spec({ volumes: [{ name: "v", emptyDir: {}, hostPath: { path: "/" } }] })],
    ["a size below zero", spec({ volumes: [{ name: "v", emptyDir: { sizeLimit: "-1Mi" } }] })],
    ["unknown restart policy", spec({ restartPolicy: "Sometimes" })],
    ["toleration without key", spec({ tolerations: [{ operator: "Equal" }] })],
    ["same name twice", problems("Pod", { spec: { containers: [...containers, ...containers] } })],
  ];
  const texts: Readonly<Record<string, string>> = {
    "no containers": "spec.containers: Required value",
    "no image": "spec.containers[0].image: Required value",
    "unknown mount": 'spec.containers[0].volumeMounts[0].name: Not found: "v"',
    "requests beyond limits":
      'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
    "two handlers":
      "spec.containers[0].livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type",
    "no handler": "spec.containers[0].readinessProbe: Required value: must specify a handler type",
    "port out of range":
      "spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive",
    "two volume sources": "spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type",
    "a size below zero":
      "spec.volumes[0].emptyDir.sizeLimit: Forbidden: SizeLimit field must be a valid resource quantity",
    "same name twice": 'spec.containers[1].name: Duplicate value: "c"',
  };
  for (const [name, found] of refused) {
    it(`is refused: ${name}`, () => {
      assert.equal(found.length, 1, found.join("\n"));
      if (texts[name] !== undefined) assert.equal(found[0], texts[name]);
    });
  }

  it("may change its image and little else", () => {
    const tolerations = [{ key: "a", operator: "Exists" }];
    const current = made("Pod", { spec: { containers, tolerations } });
    const update = (change: (spec: { containers: Json[] } & Json) => void) =>
      updateProblems("Pod", current, (next) => change(next.spec as { containers: Json[] } & Json));
    assert.deepEqual(
      update((next) => Object.assign(next.containers[0] ?? {}, { image: "other" })),
      [],
    );
    assert.deepEqual(
      update((next) => Object.assign(next, { activeDeadlineSeconds: 10 })),
      [],
    );
    assert.match(
      update((next) => Object.assign(next, { nodeName: "n" })).join(),
      /^spec: Forbidden: pod updates may not change/,
    );
    assert.match(
      update((next) => next.containers.push({ name: "d", image: "i" })).join(),
      /may not add or remove containers/,
    );
    assert.match(
      update((next) => Object.assign(next, { tolerations: [] })).join(),
      /existing toleration can not be modified/,
    );
  });
});

describe("job", () => {
  it("selects its pods by its own uid", () => {
    const { selector: own, template: pods } = made("Job", { spec: { template: jobTemplate } }).spec as {
      selector: Json;
      template: { metadata: { labels: Json } };
    };
    assert.deepEqual(own, { matchLabels: { "batch.kubernetes.io/controller-uid": "u-1" } });
    assert.equal(pods.metadata.labels["job-name"], "x");
  });
  it("keeps template and completions", () => {
    const current = made("Job", { spec: { template: jobTemplate } });
    assert.match(
      updateProblems("Job", current, (next) => Object.assign(next.spec, { completions: 5 })).join(),
      /spec.completions.*immutable/,
    );
    const found = updateProblems("Job", current, (next) => {
      (next.spec as { template: { spec: Json } }).template.spec.nodeName = "n";
    });
    assert.match(found.join(), /^spec.template: Invalid value: .*field is immutable$/);
  });
});

describe("service", () => {
  it("keeps its address and node ports through a replacement that does not name them", () => {
    const current = made("Service", {
      spec: { type: "NodePort", clusterIP: "10.0.0.1", ports: [{ port: 80, nodePort: 30000 }] },
    });
    const next = made("Service", { spec: { type: "NodePort", ports: [{ port: 80 }] } });
    kind("Service").prepareForUpdate?.(next, current);
    assert.equal((next.spec as { clusterIP: string }).clusterIP, "10.0.0.1");
    assert.deepEqual((next.spec as { ports: Json[] }).ports[0]?.nodePort, 30000);
    const moved = updateProblems("Service", current, (changed) =>
      Object.assign(changed.spec, { clusterIP: "10.0.0.2" }),
    );
    assert.deepEqual(moved, ['spec.clusterIPs[0]: Invalid value: ["10.0.0.2"]: may not change once set']);
  });
});

describe("service type", () => {
  const nodePort = () =>
    made("Service", {
      spec: { type: "NodePort", clusterIP: "10.0.0.1", ports: [{ port: 80, nodePort: 30000 }] },
    });
  it("takes its node ports along when it goes", () => {
    const next = structuredClone(nodePort());
    Object.assign(next.spec as Json, { type: "ClusterIP" });
    kind("Service").prepareForUpdate?.(next, nodePort());
    assert.deepEqual(kind("Service").validate(next), []);
    assert.deepEqual((next.spec as { ports: Json[] }).ports, [{ port: 80, protocol: "TCP", targetPort: 80 }]);
  });
  it("gives the address back when it becomes a name", () => {
    const next = structuredClone(nodePort());
    Object.assign(next.spec as Json, { type: "ExternalName", externalName: "example.org" });
    kind("Service").prepareForUpdate?.(next, nodePort());
    assert.deepEqual(kind("Service").validate(next), []);
    assert.equal((next.spec as Json).clusterIP, undefined);
  });
});

describe("secret and config map", () => {
  it("turn plain text into base64", () => {
    const secret = made("Secret", { stringData: { a: "b" }, data: { c: "ZA==" } });
    assert.deepEqual(
      [secret.data, secret.stringData, secret.type],
      [{ a: "Yg==", c: "ZA==" }, undefined, "Opaque"],
    );
  });
  it("stay as they are once immutable", () => {
    const current = made("ConfigMap", { data: { a: "b" }, immutable: true });
    const found = updateProblems("ConfigMap", current, (next) => Object.assign(next, { data: { a: "c" } }));
    assert.deepEqual(found, ["data: Forbidden: field is immutable when `immutable` is set"]);
  });
});
