import { type BackoffOptions, backoffMs } from "../../../base/backoff.ts";
import { sleep } from "../../../base/os/clock.ts";
import type { FlowSchema, KubeObject, PriorityLevelConfiguration } from "../../../client/types.ts";
import { ApiError } from "../api-error.ts";
import type { KindCache } from "../cache/kind-cache.ts";
import type { Kind } from "../registry/kind.ts";
import { rfc3339 } from "../registry/object-meta.ts";
import { type RegistryDeps, serverRequester } from "../registry/registry-deps.ts";
import { updateObject } from "../registry/update-object.ts";
import { danglingCondition, danglingManager } from "./dangling.ts";
import type { FlowControl } from "./flow-control.ts";
import { keepSuggested } from "./keep-suggested.ts";
import { flowGroup } from "./suggested-objects.ts";

const retry: BackoffOptions = { firstMs: 50, mostMs: 5_000 };
/** How often seats are lent anew. */
const adjustEveryMs = 10_000;
/** How often the suggested objects are looked after. */
const keepEveryMs = 60_000;

/** Hands the stored flow schemas and priority levels to `flowControl` as they change, says in the schemas' status whether their
 *  level is there, and keeps the suggested objects. Runs until the signal aborts.
 *  @param onReady is told once the stored objects are in use. */
export async function followConfiguration(
  deps: RegistryDeps,
  flowControl: FlowControl,
  { signal, onReady }: { readonly signal: AbortSignal; readonly onReady: () => void },
): Promise<void> {
  const kinds = ["flowschemas", "prioritylevelconfigurations"].map((plural) => kindNamed(deps, plural));
  const [schemaKind, levelKind] = kinds;
  if (schemaKind === undefined || levelKind === undefined) return;
  const { clock } = deps;
  let failures = 0;
  let keepAtMs = 0;
  let adjustAtMs = clock.monotonicMs() + adjustEveryMs;
  while (!signal.aborted) {
    try {
      const schemas = await deps.hub.cache(schemaKind);
      const levels = await deps.hub.cache(levelKind);
      const wake = new AbortController();
      const stops = [schemas, levels].map((cache) => listen(cache, wake));
      const onAbort = () => wake.abort();
      signal.addEventListener("abort", onAbort, { once: true });
      try {
        digest(flowControl, schemas, levels);
        onReady();
        await noteDangling(deps, schemaKind, schemas, levels);
        if (clock.monotonicMs() >= keepAtMs) {
          await keepSuggested(deps);
          keepAtMs = clock.monotonicMs() + keepEveryMs;
        }
        failures = 0;
        while (!wake.signal.aborted && clock.monotonicMs() < keepAtMs) {
          const untilMs = Math.min(adjustAtMs, keepAtMs);
          await sleep(clock, Math.max(0, untilMs - clock.monotonicMs()), wake.signal).catch(() => undefined); // woken
          if (clock.monotonicMs() < adjustAtMs) continue;
          flowControl.adjust();
          adjustAtMs = clock.monotonicMs() + adjustEveryMs;
        }
      } finally {
        signal.removeEventListener("abort", onAbort);
        for (const stop of stops) stop();
      }
    } catch (error) {
      if (signal.aborted) return;
      failures += 1;
      deps.log.warn("cannot keep priority and fairness up to date", { error, failures });
      await sleep(clock, backoffMs(retry, failures, deps.random), signal).catch(() => undefined); // aborted: the loop looks for it
    }
  }
}

function kindNamed({ kinds }: RegistryDeps, plural: string): Kind | undefined {
  return kinds.named(flowGroup, plural)?.kind;
}

function listen(cache: KindCache, wake: AbortController): () => void {
  const stop = () => wake.abort();
  return cache.listen({ wake: stop, end: stop });
}

function digest(flowControl: FlowControl, schemas: KindCache, levels: KindCache): void {
  const objects = <T>(cache: KindCache) =>
    cache.list(cache.prefix).map(({ object }) => object as unknown as T);
  flowControl.configure(
    objects<FlowSchema>(schemas).map(({ metadata: { name, uid }, spec }) => ({ name, uid, spec })),
    objects<PriorityLevelConfiguration>(levels).map(({ metadata: { name, uid }, spec }) => ({
      name,
      uid,
      spec,
    })),
  );
}

/** Every server writes the same: whoever comes second finds it done. */
async function noteDangling(
  deps: RegistryDeps,
  kind: Kind,
  schemas: KindCache,
  levels: KindCache,
): Promise<void> {
  const known = new Set(levels.list(levels.prefix).map(({ object }) => object.metadata.name));
  for (const { object } of schemas.list(schemas.prefix)) {
    const schema = object as unknown as FlowSchema;
    if (danglingCondition(schema, known) === undefined) continue;
    const change = (current: KubeObject) => {
      const condition = danglingCondition(current as unknown as FlowSchema, known);
      if (condition === undefined) return current;
      const lastTransitionTime = rfc3339(deps.clock.wallMs());
      const status = { conditions: [{ ...condition, lastTransitionTime }] };
      return deps.applyOwn(current, { manager: danglingManager, status });
    };
    const address = { namespace: "", name: schema.metadata.name };
    await updateObject(deps, kind, address, change, {
      dryRun: false,
      via: "server",
      by: serverRequester,
    }).catch((error: unknown) => {
      if (!(error instanceof ApiError && error.reason === "NotFound")) throw error; // it is gone
    });
  }
}
