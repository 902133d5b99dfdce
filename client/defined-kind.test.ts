import assert from "node:assert/strict";
import { systemClock } from "../base/os/clock.ts";
import { silentLog } from "../base/os/log.ts";
import { Prng } from "../base/os/random.ts";
import { TaskScope } from "../base/os/task-scope.ts";
import {
  type ClusterPolicy,
  clusterPolicyDefinition,
  clusterPolicyKinds,
  clusterPolicyResource,
} from "./cluster-policies.ts";
import { DefinedKind } from "./defined-kind.ts";
import { definitions } from "./definitions.ts";
import { InformerFactory } from "./informer.ts";
import { FakeApi } from "./testing/fake-api.ts";
import type { KubeObject } from "./types.ts";

describe("a kind that a cluster may have", () => {
  const [, , kind = assert.fail()] = clusterPolicyKinds;
  const name = clusterPolicyDefinition(kind);
  let api: FakeApi;
  let tasks: TaskScope;
  let said: string[];
  let defined: DefinedKind<ClusterPolicy>;

  beforeEach(() => {
    api = new FakeApi();
    tasks = new TaskScope(silentLog);
    said = [];
    const informers = new InformerFactory(tasks, {
      client: api,
      clock: systemClock,
      random: new Prng(7),
      log: silentLog,
    });
    defined = new DefinedKind<ClusterPolicy>({
      informers,
      log: silentLog,
      definition: name,
      versions: kind.versions,
      resource: (version) => clusterPolicyResource(kind, version),
      onPut: ({ metadata }) => said.push(`+${metadata.name}`),
      onRemove: ({ metadata }) => said.push(`-${metadata.name}`),
      onChange: () => undefined,
    });
    tasks.run("defined kind", (signal) => defined.run(signal));
  });
  afterEach(() => tasks.stop());

  const until = async (holds: () => boolean) => {
    while (!holds()) await new Promise((resolve) => setImmediate(resolve));
  };
  const definition = (isEstablished: boolean, ...versions: readonly string[]): Partial<KubeObject> => ({
    metadata: { name } as KubeObject["metadata"],
    spec: { versions: versions.map((name) => ({ name, served: true })) },
    status: { conditions: [{ type: "Established", status: isEstablished ? "True" : "False" }] },
  });
  const define = (...args: Parameters<typeof definition>) =>
    api.create(definitions, definition(...args) as never);
  const make = (version: string, policy: string) =>
    api.create(clusterPolicyResource(kind, version), { metadata: { name: policy } } as never);

  it("is followed while it is defined, and none of it is left afterwards", async () => {
    await until(() => defined.isRead);
    assert.deepEqual(said, []);
    await make("v1beta1", "a");
    await define(false, "v1beta1");
    await until(() => defined.isRead);
    assert.deepEqual(said, [], "its definition is not in force");
    await api.delete(definitions, { name });
    await define(true, "v1", "v1beta1");
    await until(() => said.length === 1 && defined.isRead);
    await make("v1beta1", "b");
    await until(() => said.length === 2);
    await api.delete(definitions, { name });
    await until(() => said.length === 4);
    assert.deepEqual(
      [said.slice(0, 2), said.slice(2).sort()],
      [
        ["+a", "+b"],
        ["-a", "-b"],
      ],
    );
  });

  it("is not taken for gone where another version of it is served", async () => {
    for (const policy of ["a", "b"]) await make("v1alpha2", policy);
    await define(true, "v1alpha2");
    await until(() => said.length === 2);
    const found = await api.get(definitions, { name });
    const versions = ["v1alpha2", "v1beta1"].map((name) => ({ name, served: true }));
    await api.update(definitions, { ...found, spec: { versions } });
    await until(() => said.length === 4 && defined.isRead);
    assert.deepEqual(said.slice(2), ["+a", "+b"]);
    await api.delete(clusterPolicyResource(kind, "v1beta1"), { name: "b" });
    await until(() => said.length === 5);
    assert.equal(said[4], "-b");
  });

  it("is not followed where no version of it is understood", async () => {
    await make("v1beta1", "a");
    await define(true, "v2");
    await until(() => defined.isRead);
    assert.deepEqual(said, []);
  });
});
