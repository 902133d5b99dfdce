import assert from "node:assert/strict";
import { heldLeaseHeader, heldLeaseText } from "../../client/held-lease.ts";
import { LateWrites } from "./late-writes.ts";
import type { Storage } from "./registry/storage.ts";
import { startTestApiserver, type TestApiserver } from "./testing.ts";
import { configMap, configMaps, pod } from "./testing-objects.ts";

const core = "/api/v1/namespaces/default";
const leases = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
const deployments = "/apis/apps/v1/namespaces/default/deployments";
const budgets = "/apis/policy/v1/namespaces/default/poddisruptionbudgets";

interface Write {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly type?: string;
}
interface Case {
  /** What stands there before. */
  readonly given?: readonly Write[];
  readonly write: Write;
  /** Where what is stored begins. */
  readonly key: string;
}

const put = (path: string, body: unknown): Write => ({ method: "PUT", path, body });
const post = (path: string, body: unknown): Write => ({ method: "POST", path, body });
const patch = (path: string, kind: string, body: unknown): Write => ({
  method: "PATCH",
  path,
  type: `application/${kind}`,
  body,
});
const aMap = [post(configMaps, configMap("late"))];
const aPod = [post(`${core}/pods`, { ...pod("late"), metadata: { name: "late", labels: { a: "b" } } })];
const deployment = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "late" },
  spec: {
    selector: { matchLabels: { a: "b" } },
    template: { metadata: { labels: { a: "b" } }, spec: pod("").spec },
  },
};
const maps = "/registry/configmaps/default/";
const pods = "/registry/pods/default/";
const ready = { phase: "Running", conditions: [{ type: "Ready", status: "True" }] };
const budget = {
  apiVersion: "policy/v1",
  kind: "PodDisruptionBudget",
  metadata: { name: "late" },
  spec: { minAvailable: 0, selector: { matchLabels: { a: "b" } } },
};
const allowed = {
  disruptionsAllowed: 1,
  currentHealthy: 1,
  desiredHealthy: 0,
  expectedPods: 1,
  observedGeneration: 1,
};
const binding = { apiVersion: "v1", kind: "Binding", metadata: { name: "late" }, target: { name: "n" } };
const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name: "late" } };
const quota = {
  apiVersion: "v1",
  kind: "ResourceQuota",
  metadata: { name: "late" },
  spec: { hard: { pods: "9" } },
};

const cases: Readonly<Record<string, Case>> = {
  "a create": { write: post(configMaps, configMap("late")), key: maps },
  "a create under a generated name": {
    write: post(configMaps, { ...configMap(""), metadata: { generateName: "late-" } }),
    key: maps,
  },
  "a create that a quota is charged for": {
    given: [post(`${core}/resourcequotas`, quota)],
    write: post(`${core}/pods`, pod("late")),
    key: pods,
  },
  "an update": { given: aMap, write: put(`${configMaps}/late`, configMap("late", { a: "1" })), key: maps },
  "a merge patch": {
    given: aMap,
    write: patch(`${configMaps}/late`, "merge-patch+json", { data: { a: "1" } }),
    key: maps,
  },
  "a strategic patch": {
    given: aMap,
    write: patch(`${configMaps}/late`, "strategic-merge-patch+json", { data: { a: "1" } }),
    key: maps,
  },
  "a JSON patch": {
    given: aMap,
    write: patch(`${configMaps}/late`, "json-patch+json", [
      { op: "add", path: "/metadata/labels", value: { a: "1" } },
    ]),
    key: maps,
  },
  "an apply that changes": {
    given: aMap,
    write: patch(`${configMaps}/late?fieldManager=m`, "apply-patch+yaml", configMap("late", { a: "1" })),
    key: maps,
  },
  "an apply that creates": {
    write: patch(`${configMaps}/late?fieldManager=m`, "apply-patch+yaml", configMap("late")),
    key: maps,
  },
  "a deletion": { given: aMap, write: { method: "DELETE", path: `${configMaps}/late` }, key: maps },
  "a deletion in an object's own time": {
    given: [...aPod, post(`${core}/pods/late/binding`, binding)],
    write: { method: "DELETE", path: `${core}/pods/late` },
    key: pods,
  },
  "a deletion of what goes at once but is seen going first": {
    given: aPod,
    write: { method: "DELETE", path: `${core}/pods/late` },
    key: pods,
  },
  "a deletion of a collection": { given: aMap, write: { method: "DELETE", path: configMaps }, key: maps },
  "an update that takes the last finalizer": {
    given: [
      post(configMaps, { ...configMap("late"), metadata: { name: "late", finalizers: ["a.b/c"] } }),
      { method: "DELETE", path: `${configMaps}/late` },
    ],
    write: patch(`${configMaps}/late`, "merge-patch+json", { metadata: { finalizers: null } }),
    key: maps,
  },
  "an update of a status": {
    given: aPod,
    write: put(`${core}/pods/late/status`, { ...pod("late"), status: { phase: "Running" } }),
    key: pods,
  },
  "a patch of a status": {
    given: aPod,
    write: patch(`${core}/pods/late/status`, "strategic-merge-patch+json", { status: { phase: "Running" } }),
    key: pods,
  },
  "a new scale": {
    given: [post(deployments, deployment)],
    write: patch(`${deployments}/late/scale`, "merge-patch+json", { spec: { replicas: 3 } }),
    key: "/registry/deployments/default/",
  },
  "a binding": { given: aPod, write: post(`${core}/pods/late/binding`, binding), key: pods },
  "a binding by its own path": { given: aPod, write: post(`${core}/bindings`, binding), key: pods },
  "an eviction": { given: aPod, write: post(`${core}/pods/late/eviction`, eviction), key: pods },
  "an eviction that a budget pays for": {
    given: [
      ...aPod,
      patch(`${core}/pods/late/status`, "merge-patch+json", { status: ready }),
      post(budgets, budget),
      patch(`${budgets}/late/status`, "merge-patch+json", { status: allowed }),
    ],
    write: post(`${core}/pods/late/eviction`, eviction),
    key: "/registry/poddisruptionbudgets/default/",
  },
};

/** What a Lease in a request's header keeps from being stored, on any storage.
 *  @param open Two ways to one store that nobody else writes to. */
export function leaseFenceSuite(name: string, open: () => Promise<readonly [Storage, Storage]>): void {
  describe(`writes decided under a Lease, on ${name}`, () => {
    let late: LateWrites;
    let server: TestApiserver;
    let other: TestApiserver;
    let plain: Storage;
    let leader = 0;
    before(async () => {
      const [one, two] = await open();
      late = new LateWrites(one);
      plain = two;
      server = await startTestApiserver({ storage: late.storage });
      other = await startTestApiserver({ storage: two, authority: server.authority });
      await send(other, post(leases, lease("0")));
    });
    after(async () => {
      await server?.stop();
      await other?.stop();
    });
    afterEach(async () => {
      await send(other, patch(`${configMaps}/late`, "merge-patch+json", { metadata: { finalizers: null } }));
      for (const path of [configMaps, `${core}/pods`, deployments, budgets, `${core}/resourcequotas`])
        assert.equal(
          (await send(other, { method: "DELETE", path: `${path}?gracePeriodSeconds=0` })).code,
          200,
        );
    });

    const lease = (holderIdentity: string) => ({
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: { name: "leader" },
      spec: { holderIdentity, leaseTransitions: Number(holderIdentity), leaseDurationSeconds: 15 },
    });
    const send = async (to: TestApiserver, { method, path, ...rest }: Write, headers = {}) =>
      to.admin.call(method, path, { ...rest, headers });
    const change = async (body: object) => {
      const { code } = await send(other, patch(`${leases}/leader`, "merge-patch+json", body));
      assert.equal(code, 200);
    };
    let renewals = 0;
    const renew = () => change({ metadata: { annotations: { renewal: String(renewals++) } } });
    const takeOver = () => change({ spec: lease(String(++leader)).spec });
    const claim = (number = leader) => {
      const held = { namespace: "default", name: "leader", holder: `${number}`, transitions: number };
      return { [heldLeaseHeader]: heldLeaseText(held) };
    };
    /** Everything but Leases, and what servers write for themselves. */
    const stored = async () => {
      const { entries } = await plain.list("/registry/");
      return entries
        .filter(({ key }) => /^\/registry\/[a-z]+\/default\//.test(key) && !key.includes("/leases/"))
        .map(({ key, modRevision }) => `${key} ${modRevision}`);
    };

    it("may be of that Lease itself", async () => {
      const labelled = patch(`${leases}/leader`, "merge-patch+json", { metadata: { labels: { a: "b" } } });
      assert.equal((await send(server, labelled, claim())).code, 200);
      const other = patch(`${leases}/leader`, "merge-patch+json", { metadata: { labels: { a: "c" } } });
      assert.equal((await send(server, other, claim(leader + 1))).code, 412);
    });

    for (const [what, { given = [], write, key }] of Object.entries(cases)) {
      it(`${what} that arrives after another leads is refused, and stores nothing`, async () => {
        for (const one of given) assert.ok((await send(server, one)).code < 300, one.path);
        const before = await stored();
        const { reached, letGo } = late.hold(key);
        const answer = send(server, write, claim());
        await reached;
        await takeOver();
        letGo();
        const { code, body } = await answer;
        assert.deepEqual([code, body.reason], [412, "LeaseNotHeld"], body.message);
        assert.deepEqual(await stored(), before);
      });

      it(`${what} goes through where the Lease was only renewed meanwhile`, async () => {
        for (const one of given) assert.ok((await send(server, one)).code < 300, one.path);
        const before = await stored();
        const { reached, letGo } = late.hold(key);
        const answer = send(server, write, claim());
        await reached;
        await renew();
        letGo();
        const { code, body } = await answer;
        assert.ok(code < 300, body.message);
        assert.notDeepEqual(await stored(), before);
      });
    }
  });
}
