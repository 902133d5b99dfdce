import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { systemClock } from "../../../base/os/clock.ts";
import { aggregatedRules, sameRules } from "../../../client/rules/aggregated-rules.ts";
import type { ClusterRole } from "../../../client/types.ts";
import { MemoryStorage } from "../registry/memory-storage.ts";
import type { CommitResult, Transaction } from "../registry/storage.ts";
import { startTestApiserver, type TestApiserver } from "../testing.ts";

const file = new URL("../rbac/testdata/default-policy.json", import.meta.url);
const recorded: Readonly<Record<string, readonly { metadata: { name: string; namespace?: string } }[]>> =
  JSON.parse(readFileSync(file, "utf8"));
const rbac = "/apis/rbac.authorization.k8s.io/v1";

class CountedStorage extends MemoryStorage {
  readonly commits: Transaction[] = [];

  override commit(transaction: Transaction): Promise<CommitResult> {
    this.commits.push(transaction);
    return super.commit(transaction);
  }
}

describe("a server's start", () => {
  const storage = new MemoryStorage(systemClock);
  const servers: TestApiserver[] = [];
  const start = async () => {
    const [first] = servers;
    const server = await startTestApiserver({ storage, ...(first && { authority: first.authority }) });
    servers.push(server);
    return server;
  };
  let api: TestApiserver;
  before(async () => {
    api = await start();
  });
  after(async () => {
    for (const server of servers) await server.stop();
  });
  const get = async (path: string) => (await api.admin.call("GET", `${rbac}/${path}`)).body;

  it("makes every default role and binding of Kubernetes 1.36", async () => {
    for (const [plural, objects] of Object.entries(recorded)) {
      const place = ({
        metadata: { name, namespace = "" },
      }: {
        metadata: { name: string; namespace?: string };
      }) => `${namespace}/${name}`;
      const there = new Set((await get(plural)).items.map(place));
      const missing = objects.map(place).filter((one) => !there.has(one));
      assert.deepEqual(missing, [], plural);
    }
  });

  it("costs a new cluster a handful of writes, and one that has everything none of roles and bindings", async () => {
    const counted = new CountedStorage(systemClock);
    const first = await startTestApiserver({ storage: counted, authority: api.authority });
    const ofRoles = () =>
      counted.commits.filter(({ writes }) => writes.some(({ key }) => /^\/registry\/[a-z]*role/.test(key)));
    const before = ofRoles().length;
    assert.ok(before > 0 && before <= 6, `${before} writes`);
    const second = await startTestApiserver({ storage: counted, authority: api.authority });
    await first.stop();
    await second.stop();
    assert.equal(ofRoles().length, before);
  });

  it("fills admin, edit and view, without any controller", async () => {
    const { items }: { items: ClusterRole[] } = await get("clusterroles");
    for (const name of ["admin", "edit", "view"]) {
      const role = items.find(({ metadata }) => metadata.name === name);
      assert.ok(role);
      assert.ok((role.rules ?? []).length >= 12, name);
      assert.ok(sameRules(role.rules, aggregatedRules(role, items)), name);
    }
  });

  it("gives back what is missing, leaves what users added, and what says that it is protected", async () => {
    const merge = "application/merge-patch+json";
    const patch = (path: string, body: object) =>
      api.admin.call("PATCH", `${rbac}/${path}`, { body, type: merge });
    const mine = { verbs: ["get"], apiGroups: ["acme.io"], resources: ["gizmos"] };
    const jane = { kind: "User", apiGroup: "rbac.authorization.k8s.io", name: "jane" };
    await patch("clusterroles/system:kube-dns", { rules: [mine] });
    await patch("clusterroles/system:node-proxier", {
      metadata: { annotations: { "rbac.authorization.kubernetes.io/autoupdate": "false" } },
      rules: [],
    });
    await patch("clusterrolebindings/system:kube-dns", { subjects: [jane] });
    await api.admin.call("DELETE", `${rbac}/clusterroles/system:basic-user`);
    const other = { kind: "ClusterRole", name: "view" };
    const discovery = await get("clusterrolebindings/system:discovery");
    await api.admin.call("DELETE", `${rbac}/clusterrolebindings/system:discovery`);
    const { labels } = discovery.metadata;
    const elsewhere = { ...discovery, metadata: { name: "system:discovery", labels }, roleRef: other };
    await api.admin.call("POST", `${rbac}/clusterrolebindings`, { body: elsewhere });
    const untouched = await get("clusterroles/system:kube-scheduler");

    await start();

    const dns = await get("clusterroles/system:kube-dns");
    assert.deepEqual(dns.rules[0], mine);
    assert.equal(dns.rules.length, 5);
    const { subjects } = await get("clusterrolebindings/system:kube-dns");
    assert.deepEqual(
      subjects.map(({ name }: { name: string }) => name),
      ["jane", "kube-dns"],
    );
    assert.deepEqual((await get("clusterroles/system:node-proxier")).rules ?? [], []);
    assert.equal((await get("clusterroles/system:basic-user")).rules.length, 2);
    assert.equal((await get("clusterrolebindings/system:discovery")).roleRef.name, "system:discovery");
    assert.deepEqual(await get("clusterroles/system:kube-scheduler"), untouched);
  });
});
