import assert from "node:assert/strict";
import { ManualClock } from "../../../client/testing/manual-clock.ts";
import type { CacheHub } from "../cache/cache-hub.ts";
import type { KindIndex } from "../cache/kind-index.ts";
import { anonymous } from "../filters/authentication.ts";
import type { Kind } from "../registry/kind.ts";
import { clusterRoleBindings, roleBindings } from "../resources/role-bindings.ts";
import { clusterRoles, roles } from "../resources/roles.ts";
import { Rbac } from "./rbac-authorizer.ts";

const kinds = { roles, clusterRoles, roleBindings, clusterRoleBindings };
const jane = { name: "jane", groups: ["system:authenticated"] };
const path = (one: string) => ({ verb: "get", path: one });

/** A hub that has read nothing until it is told that the store answers. */
function hubWithoutStore() {
  let answers = () => {};
  const started = new Promise<void>((resolve) => {
    answers = resolve;
  });
  const loaded = new Set<Kind>();
  const load = async (kind: Kind) => {
    await started;
    loaded.add(kind);
  };
  const hub = {
    addIndex: (_: Kind, index: KindIndex) => index.clear(),
    peek: (kind: Kind) => (loaded.has(kind) ? {} : undefined),
    cache: load,
    consistent: load,
  };
  return { hub: hub as unknown as CacheHub, answers };
}

describe("a server that has not read roles yet", () => {
  it("tells everybody its health and version, and nothing else", async () => {
    const clock = new ManualClock();
    const rbac = new Rbac({ hub: hubWithoutStore().hub, clock }, kinds);
    for (const one of ["/livez", "/readyz", "/healthz", "/version"])
      assert.equal((await rbac.authorizer(anonymous, path(one))).allowed, true, one);
    const asks = assert.rejects(rbac.authorizer(anonymous, path("/metrics")), { code: 503 });
    clock.advance(3000);
    await asks;
  });

  it("refuses nobody for want of roles: it waits, and asks to come again", async () => {
    const clock = new ManualClock();
    const rbac = new Rbac({ hub: hubWithoutStore().hub, clock }, kinds);
    const asks = assert.rejects(rbac.authorizer(jane, path("/api")), {
      code: 503,
      message: /roles and bindings have not been read from the store yet/,
    });
    const lists = assert.rejects(rbac.rulesFor(jane, "default"), { code: 503 });
    clock.advance(3000);
    await Promise.all([asks, lists]);
  });

  it("decides once the default roles are there", async () => {
    const { hub, answers } = hubWithoutStore();
    const rbac = new Rbac({ hub, clock: new ManualClock() }, kinds);
    let decided = false;
    const asks = rbac.authorizer(jane, path("/api")).then((decision) => {
      decided = true;
      return decision;
    });
    answers();
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(decided, false);
    await rbac.open();
    assert.deepEqual(await asks, { allowed: false });
  });
});
