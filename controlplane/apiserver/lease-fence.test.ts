import assert from "node:assert/strict";
import { systemClock } from "../../base/os/clock.ts";
import { systemRandom } from "../../base/os/random.ts";
import { type HeldLease, heldLeaseHeader, heldLeaseText } from "../../client/held-lease.ts";
import { openStoreClient } from "../../store/client/open-client.ts";
import { Lagging } from "./lagging-storage.ts";
import { leaseFenceSuite } from "./lease-fence.suite.ts";
import { EtcdStorage } from "./registry/etcd-storage.ts";
import { MemoryStorage } from "./registry/memory-storage.ts";
import { hasEtcd, type RealEtcd, startEtcd } from "./registry/real-etcd.ts";
import { startTestApiserver, type TestApiserver } from "./testing.ts";
import { configMap, configMaps } from "./testing-objects.ts";

leaseFenceSuite("a storage in memory", async () => {
  const storage = new MemoryStorage(systemClock);
  return [storage, storage];
});

describe("the fence of Leases on Debian's etcd", () => {
  let etcd: RealEtcd | undefined;
  before(async function () {
    if (!hasEtcd()) this.skip();
    etcd = await startEtcd();
  });
  after(() => etcd?.stop());

  const open = () => {
    const client = openStoreClient(
      { endpoints: [etcd?.url ?? ""] },
      { clock: systemClock, random: systemRandom },
    );
    return new EtcdStorage(client, systemClock);
  };
  leaseFenceSuite("etcd", async () => [open(), open()]);
});

describe("a request that says under which Lease it was decided", () => {
  const leases = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
  let server: TestApiserver;
  let uid: string;
  let names = 0;
  before(async () => {
    server = await startTestApiserver();
    const spec = { holderIdentity: "a", leaseTransitions: 2 };
    const body = { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: { name: "l" }, spec };
    ({ uid } = (await server.admin.call("POST", leases, { body })).body.metadata);
  });
  after(() => server.stop());

  const held = (changes: Partial<HeldLease> = {}) => ({
    [heldLeaseHeader]: heldLeaseText({
      ...{ namespace: "default", name: "l", holder: "a", transitions: 2 },
      ...changes,
    }),
  });
  const create = (headers: Readonly<Record<string, string | readonly string[]>>, by = server.admin) =>
    by.call("POST", configMaps, { body: configMap(`m-${names++}`), headers });
  const notHeld = (why: string) => `decided under a Lease that is not held any more: default/${why}`;

  it("is stored where the Lease is held so, with its uid or without", async () => {
    assert.equal((await create(held())).code, 201);
    assert.equal((await create(held({ uid }))).code, 201);
  });

  for (const [what, changes, why] of [
    ["holder", { holder: "b" }, 'l is held by "a" in transition 2, not by "b" in transition 2'],
    ["term", { transitions: 1 }, 'l is held by "a" in transition 2, not by "a" in transition 1'],
    ["name", { name: "none" }, "none is not there"],
  ] as const)
    it(`is refused where the Lease has another ${what}`, async () => {
      const { code, body } = await create(held(changes));
      assert.deepEqual([code, body.reason, body.message], [412, "LeaseNotHeld", notHeld(why)]);
    });

  it("is refused where the Lease was made anew", async () => {
    const { code, body } = await create(held({ uid: "another" }));
    assert.deepEqual([code, body.message], [412, notHeld(`l has the uid ${uid}, not another`)]);
  });

  it("is refused once the Lease was given up", async () => {
    const merge = (holderIdentity: string | null) =>
      server.admin.call("PATCH", `${leases}/l`, {
        body: { spec: { holderIdentity } },
        type: "application/merge-patch+json",
      });
    await merge(null);
    try {
      const { code, body } = await create(held());
      const why = notHeld('l is held by nobody in transition 2, not by "a" in transition 2');
      assert.deepEqual([code, body.message], [412, why]);
    } finally {
      await merge("a");
    }
  });

  it("is refused, too, where there is nothing to store", async () => {
    await server.admin.call("POST", configMaps, { body: configMap("same") });
    const review = {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SelfSubjectAccessReview",
      spec: { nonResourceAttributes: { path: "/", verb: "get" } },
    };
    for (const [method, path, body] of [
      ["POST", `${configMaps}?dryRun=All`, configMap("dry")],
      ["PUT", `${configMaps}/same`, configMap("same")],
      ["POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review],
    ] as const)
      for (const [transitions, isRefused] of [
        [2, false],
        [1, true],
      ] as const) {
        const { code } = await server.admin.call(method, path, { body, headers: held({ transitions }) });
        assert.equal(code === 412, isRefused, `${method} ${path}: ${code}`);
      }
  });

  it("is refused by name where that cannot be read, or counts for nothing", async () => {
    const unread = await create({ [heldLeaseHeader]: "namespace=default&name=l" });
    const why = `the header ${heldLeaseHeader} lacks holder, transitions`;
    assert.deepEqual([unread.code, unread.body.message], [400, why]);
    const { [heldLeaseHeader]: text = "" } = held();
    assert.equal((await create({ [heldLeaseHeader]: [text, text] })).code, 400);
    for (const [method, path] of [
      ["GET", configMaps],
      ["GET", `${configMaps}?watch=true`],
      ["GET", "/version"],
      ["POST", "/api/v1/namespaces/default/services/s/proxy/"],
      ["POST", "/api/v1/namespaces/default/pods/p/exec?command=a"],
    ] as const) {
      const { code, body } = await server.admin.call(method, path, { headers: held() });
      const text = `the header ${heldLeaseHeader} is for writes of objects only`;
      assert.deepEqual([code, body.message], [400, text], path);
    }
  });

  it("is for those who may get the Lease: others learn nothing of it", async () => {
    const rules = [{ apiGroups: [""], resources: ["configmaps"], verbs: ["create"] }];
    const rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/default";
    const version = "rbac.authorization.k8s.io/v1";
    const role = { apiVersion: version, kind: "Role", metadata: { name: "r" }, rules };
    assert.equal((await server.admin.call("POST", `${rbac}/roles`, { body: role })).code, 201);
    const bound = {
      apiVersion: version,
      kind: "RoleBinding",
      metadata: { name: "r" },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "r" },
      subjects: [{ kind: "User", name: "u", apiGroup: "rbac.authorization.k8s.io" }],
    };
    assert.equal((await server.admin.call("POST", `${rbac}/rolebindings`, { body: bound })).code, 201);
    const user = await server.clientFor("u");
    for (const kind of ["roles", "rolebindings"]) await server.admin.call("GET", `${rbac}/${kind}`); // the server knows them then
    assert.equal((await create({}, user)).code, 201);
    for (const changes of [{}, { transitions: 1 }, { holder: "b" }]) {
      const { code, body } = await create(held(changes), user);
      assert.equal(code, 403);
      assert.match(
        body.message,
        /^leases.coordination.k8s.io "l" is forbidden: User "u" cannot get resource/,
      );
    }
  });

  it("is counted by what became of it", async () => {
    const counts = async () => {
      const { text } = await server.admin.call("GET", "/metrics");
      const count = (result: string) =>
        Number(new RegExp(`lease_fenced_writes_total\\{result="${result}"\\} (\\d+)`).exec(text)?.[1] ?? 0);
      return [count("stored"), count("refused")] as const;
    };
    const [stored, refused] = await counts();
    await create(held());
    await create(held({ transitions: 1 }));
    assert.deepEqual(await counts(), [stored + 1, refused + 1]);
  });
});

describe("a server that has not heard yet who leads", () => {
  it("stores what the leader decided, and nothing that another did", async () => {
    const storage = new MemoryStorage(systemClock);
    const lag = new Lagging(storage);
    const ahead = await startTestApiserver({ storage });
    const behind = await startTestApiserver({ storage: lag, authority: ahead.authority });
    try {
      const path = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
      const spec = (holderIdentity: string, leaseTransitions: number) => ({
        spec: { holderIdentity, leaseTransitions },
      });
      const lease = { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: { name: "l" } };
      await ahead.admin.call("POST", path, { body: { ...lease, ...spec("a", 0) } });
      assert.equal((await behind.admin.call("GET", path)).body.items.length, 1); // follows them from now on
      const write = (name: string, holder: string, transitions: number) =>
        behind.admin.call("POST", configMaps, {
          body: configMap(name),
          headers: {
            [heldLeaseHeader]: heldLeaseText({ namespace: "default", name: "l", holder, transitions }),
          },
        });
      lag.hold();
      const type = "application/merge-patch+json";
      await ahead.admin.call("PATCH", `${path}/l`, { body: spec("b", 1), type });
      assert.equal((await write("old", "a", 0)).code, 412);
      assert.equal((await write("new", "b", 1)).code, 201);
      lag.letThrough();
    } finally {
      lag.letThrough();
      await behind.stop();
      await ahead.stop();
    }
  });
});
