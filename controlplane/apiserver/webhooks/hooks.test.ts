import assert from "node:assert/strict";
import { systemClock } from "../../../base/os/clock.ts";
import { silentLog } from "../../../base/os/log.ts";
import { systemRandom } from "../../../base/os/random.ts";
import type { AskedRequest } from "../admission/matching/asked-request.ts";
import { CacheHub } from "../cache/cache-hub.ts";
import { compileMutating } from "../policies/policy.ts";
import { followPolicies } from "../policies/policy-index.ts";
import { KindRegistry } from "../registry/kind-registry.ts";
import { MemoryStorage } from "../registry/memory-storage.ts";
import { encodeStored, objectKey } from "../registry/stored-object.ts";
import {
  mutatingAdmissionPolicyBindings as bindings,
  mutatingAdmissionPolicies as policies,
} from "../resources/mutatingadmissionpolicies.ts";
import { validatingWebhookConfigurations as webhooks } from "../resources/webhookconfigurations.ts";
import { Hooks } from "./hooks.ts";

const metadata = { name: "one", uid: "", resourceVersion: "", creationTimestamp: "" };
const resourceRules = [{ resources: ["pods"], operations: ["CREATE"] }];

describe("apiserver/webhooks and policies, where there are none", () => {
  const storage = new MemoryStorage(systemClock);
  const hub = new CacheHub({ storage, clock: systemClock, random: systemRandom, log: silentLog });
  const stopping = new AbortController();
  let stopped: Promise<void>;
  before(() => {
    stopped = hub.run(stopping.signal);
  });
  after(async () => {
    stopping.abort();
    await stopped;
  });

  it("say so once they are loaded, and no more when there is one", async () => {
    const hooks = new Hooks({ storage, hub, kinds: new KindRegistry([]) }, webhooks);
    const followed = followPolicies(hub, { policies, bindings }, compileMutating);
    assert.deepEqual([hooks.areNone, followed.areNone], [false, false]);
    await hooks.for({ operation: "CREATE" } as AskedRequest);
    await followed.current();
    assert.deepEqual([hooks.areNone, followed.areNone], [true, true]);
    for (const [kind, more] of [
      [webhooks, { webhooks: [{ name: "a.example.com", clientConfig: {} }] }],
      [policies, { spec: { matchConstraints: { resourceRules } } }],
    ] as const) {
      const object = { apiVersion: `${kind.group}/${kind.version}`, kind: kind.kind, metadata, ...more };
      const key = objectKey(kind, "", "one");
      await storage.commit({ compare: [], writes: [{ type: "put", key, value: encodeStored(object) }] });
      await hub.consistent(kind);
    }
    assert.deepEqual([hooks.areNone, followed.areNone], [false, false]);
  });
});
