import { systemClock } from "../../../../base/os/clock.ts";
import { silentLog } from "../../../../base/os/log.ts";
import { systemRandom } from "../../../../base/os/random.ts";
import { inOrder } from "../../admission/admission.ts";
import { CacheHub } from "../../cache/cache-hub.ts";
import { leases } from "../../resources/leases.ts";
import { KindRegistry } from "../kind-registry.ts";
import { LeaseFence } from "../lease-fence.ts";
import { withoutQuotas } from "../quota-ledger.ts";
import type { RegistryDeps } from "../registry-deps.ts";
import type { Storage } from "../storage.ts";

export interface BareRegistry {
  readonly deps: RegistryDeps;
  /** From now on the cache shows the past. */
  stop(): Promise<void>;
}

/** What the operations on objects need and no more: nothing is handed out, charged or asked of others. */
export function bareRegistry(storage: Storage, watched: Storage = storage): BareRegistry {
  const os = { clock: systemClock, random: systemRandom, log: silentLog };
  const hub = new CacheHub({ storage: watched, ...os });
  const stop = new AbortController();
  const running = hub.run(stop.signal);
  return {
    deps: {
      storage,
      hub,
      ...os,
      kinds: new KindRegistry([]),
      allocator: { carryOver: () => {}, plan: async () => ({ compare: [], writes: [] }) },
      recordOwn: () => {},
      applyOwn: (current) => current,
      quotas: withoutQuotas,
      fence: new LeaseFence(leases, { storage, hub }),
      facts: { loopbackEndpoints: false },
      admission: inOrder(),
    },
    stop: async () => {
      stop.abort(new Error("stopped"));
      await running;
    },
  };
}
