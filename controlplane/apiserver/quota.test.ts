import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { systemClock } from "../../base/os/clock.ts";
import { MemoryStorage } from "./registry/memory-storage.ts";
import { startTestApiserver, type TestApiserver } from "./testing.ts";

interface Recorded {
  readonly title: string;
  readonly quotas: readonly {
    readonly name: string;
    readonly spec: { readonly hard: object };
    readonly used: object;
  }[];
  readonly steps: readonly {
    readonly method: string;
    readonly path: string;
    readonly body: object;
    readonly code: number;
    readonly refused?: string;
  }[];
  /** What stands in the quotas' status afterwards. */
  readonly used: Readonly<Record<string, object>>;
}
const file = new URL("admission/testdata/quotas.json", import.meta.url);
const recorded: readonly Recorded[] = JSON.parse(readFileSync(file, "utf8"));
const config = { disabledAdmission: ["ServiceAccount"] };

async function makeNamespace(api: TestApiserver, name: string): Promise<void> {
  const body = { apiVersion: "v1", kind: "Namespace", metadata: { name } };
  assert.equal((await api.admin.call("POST", "/api/v1/namespaces", { body })).code, 201);
}

/** A quota whose use was counted. The caches of all servers have it. */
async function makeQuota(
  servers: readonly TestApiserver[],
  namespace: string,
  { name, spec, used }: { readonly name: string; readonly spec: { hard: object }; readonly used: object },
): Promise<string> {
  const [api] = servers as [TestApiserver];
  const quotas = `/api/v1/namespaces/${namespace}/resourcequotas`;
  const body = { apiVersion: "v1", kind: "ResourceQuota", metadata: { name }, spec };
  const made = await api.admin.call("POST", quotas, { body });
  assert.equal(made.code, 201, made.text);
  const status = { hard: spec.hard, used };
  const answer = await api.admin.call("PUT", `${quotas}/${name}/status`, { body: { ...made.body, status } });
  assert.equal(answer.code, 200, answer.text);
  const { resourceVersion } = answer.body.metadata;
  for (const { admin } of servers) await admin.call("GET", `${quotas}?resourceVersion=${resourceVersion}`);
  return `${quotas}/${name}`;
}

describe("quotas are charged and held to as by kube-apiserver 1.36.3", () => {
  let api: TestApiserver;
  before(async () => {
    api = await startTestApiserver({ config });
  });
  after(() => api.stop());

  for (const [index, { title, quotas, steps, used }] of recorded.entries())
    it(title, async () => {
      const namespace = `quota-${index}`;
      await makeNamespace(api, namespace);
      for (const quota of quotas) await makeQuota([api], namespace, quota);
      for (const { method, path, body, code, refused } of steps) {
        const type = method === "PATCH" ? "application/strategic-merge-patch+json" : "application/json";
        const answer = await api.admin.call(method, path.replace("NAMESPACE", namespace), { body, type });
        const found = answer.code < 300 ? undefined : answer.body.message;
        assert.deepEqual([answer.code, found], [code, refused]);
      }
      for (const [name, amounts] of Object.entries(used)) {
        const path = `/api/v1/namespaces/${namespace}/resourcequotas/${name}`;
        assert.deepEqual((await api.admin.call("GET", path)).body.status.used, amounts);
      }
    });
});

describe("quotas hold whoever writes how much at once", () => {
  const servers: TestApiserver[] = [];
  before(async () => {
    const storage = new MemoryStorage(systemClock);
    const shared = { storage, config };
    const first = await startTestApiserver(shared);
    servers.push(first);
    for (let more = 0; more < 2; more++)
      servers.push(await startTestApiserver({ ...shared, authority: first.authority }));
  });
  after(async () => {
    for (const api of servers) await api.stop();
  });
  const pod = (name: string, cpu = "100m") => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name },
    spec: { containers: [{ name: "c", image: "i", resources: { requests: { cpu } } }] },
  });

  it("admits through several servers just what fits, and charges just what was stored", async () => {
    await makeNamespace(servers[0] as TestApiserver, "crowd");
    const spec = { hard: { pods: "100", "requests.cpu": "2" } };
    const path = await makeQuota(servers, "crowd", {
      name: "q",
      spec,
      used: { pods: "0", "requests.cpu": "0" },
    });
    const answers = await Promise.all(
      Array.from({ length: 90 }, (_, at) => {
        // Each name is asked for thrice: two of them are refused for another reason.
        const body = pod(`p${at % 30}`);
        return (servers[at % 3] as TestApiserver).admin.call("POST", "/api/v1/namespaces/crowd/pods", {
          body,
        });
      }),
    );
    const made = answers.filter(({ code }) => code === 201);
    assert.equal(made.length, 20);
    for (const { code, body } of answers)
      if (code === 403)
        assert.match(body.message, /exceeded quota: q, requested: requests.cpu=100m, used: requests.cpu=2, /);
      else assert.ok(code === 201 || code === 409, `${code}`);
    const { status } = (await (servers[0] as TestApiserver).admin.call("GET", path)).body;
    assert.deepEqual(status.used, { pods: "20", "requests.cpu": "2" });
  });

  it("charges nothing where the name is taken", async () => {
    const [api] = servers as [TestApiserver];
    await makeNamespace(api, "taken");
    const path = await makeQuota(servers, "taken", {
      name: "q",
      spec: { hard: { pods: "5" } },
      used: { pods: "0" },
    });
    const codes: number[] = [];
    for (let at = 0; at < 3; at++)
      codes.push((await api.admin.call("POST", "/api/v1/namespaces/taken/pods", { body: pod("one") })).code);
    assert.deepEqual(codes, [201, 409, 409]);
    assert.deepEqual((await api.admin.call("GET", path)).body.status.used, { pods: "1" });
  });

  it("counts custom resources by their names", async () => {
    const [api] = servers as [TestApiserver];
    await makeNamespace(api, "custom");
    const names = { plural: "widgets", singular: "widget", kind: "Widget", listKind: "WidgetList" };
    const schema = { openAPIV3Schema: { type: "object" } };
    const versions = [{ name: "v1", served: true, storage: true, schema }];
    const definition = {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: "widgets.example.com" },
      spec: { group: "example.com", scope: "Namespaced", names, versions },
    };
    const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    await api.admin.call("POST", definitions, { body: definition });
    for await (const { object } of api.admin.watch(`${definitions}?watch=1`))
      if (object.status?.conditions?.some((one: { type: string }) => one.type === "Established")) break;
    const hard = { "count/widgets.example.com": "1" };
    const path = await makeQuota(servers, "custom", {
      name: "q",
      spec: { hard },
      used: { "count/widgets.example.com": "0" },
    });
    const widget = (name: string) => ({
      body: { apiVersion: "example.com/v1", kind: "Widget", metadata: { name } },
    });
    const widgets = "/apis/example.com/v1/namespaces/custom/widgets";
    assert.equal((await api.admin.call("POST", widgets, widget("a"))).code, 201);
    const refused = await api.admin.call("POST", widgets, widget("b"));
    assert.deepEqual(
      [refused.code, refused.body.message],
      [
        403,
        'widgets.example.com "b" is forbidden: exceeded quota: q, requested: count/widgets.example.com=1, used: count/widgets.example.com=1, limited: count/widgets.example.com=1',
      ],
    );
    assert.deepEqual((await api.admin.call("GET", path)).body.status.used, {
      "count/widgets.example.com": "1",
    });
  });

  it("charges nothing where the plugin is switched off", async () => {
    const free = await startTestApiserver({
      config: { disabledAdmission: ["ServiceAccount", "ResourceQuota"] },
    });
    try {
      await makeNamespace(free, "free");
      const path = await makeQuota([free], "free", {
        name: "q",
        spec: { hard: { pods: "0" } },
        used: { pods: "0" },
      });
      assert.equal(
        (await free.admin.call("POST", "/api/v1/namespaces/free/pods", { body: pod("a") })).code,
        201,
      );
      assert.deepEqual((await free.admin.call("GET", path)).body.status.used, { pods: "0" });
    } finally {
      await free.stop();
    }
  });
});
