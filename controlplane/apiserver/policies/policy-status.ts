import { type BackoffOptions, backoffMs } from "../../../base/backoff.ts";
import { sleep } from "../../../base/os/clock.ts";
import type { ValidatingAdmissionPolicy } from "../../../client/types.ts";
import { types } from "../../cel/types.ts";
import { ApiError } from "../api-error.ts";
import { nextChange } from "../cache/next-change.ts";
import type { Kind } from "../registry/kind.ts";
import type { Kinds } from "../registry/kind-table.ts";
import { type RegistryDeps, serverRequester } from "../registry/registry-deps.ts";
import { updateObject } from "../registry/update-object.ts";
import { builtInType, customType } from "./resource-types.ts";
import { type KindTypes, typeWarnings } from "./type-checking.ts";

const retry: BackoffOptions = { firstMs: 50, mostMs: 5_000 };

/** As whom Kubernetes' controller does it. */
const statusManager = "validatingadmissionpolicy-status";

/** Writes into the status of ValidatingAdmissionPolicies which generation was looked at, and what of its expressions cannot be
 *  right. Every server does: whoever comes second finds it done. Runs until the signal aborts. */
export async function checkPolicies(deps: RegistryDeps, policies: Kind, signal: AbortSignal): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    try {
      const cache = await deps.hub.cache(policies);
      const changed = nextChange(cache, signal);
      for (const { object } of cache.list(cache.prefix)) {
        if (!isUnchecked(object)) continue;
        await checkPolicy(deps, policies, object.metadata.name);
      }
      failures = 0;
      await changed;
    } catch (error) {
      if (signal.aborted) return;
      failures += 1;
      deps.log.warn("cannot check the types of admission policies", { error, failures });
      await sleep(deps.clock, backoffMs(retry, failures, deps.random), signal).catch(() => undefined); // aborted: the loop looks for it
    }
  }
}

function isUnchecked(policy: Pick<ValidatingAdmissionPolicy, "metadata" | "status">): boolean {
  return (policy.metadata.generation ?? 0) > (policy.status?.observedGeneration ?? 0);
}

async function checkPolicy(deps: RegistryDeps, kind: Kind, name: string): Promise<void> {
  try {
    await updateObject(
      deps,
      kind,
      { namespace: "", name },
      (current) => {
        const policy: ValidatingAdmissionPolicy = current;
        const { generation } = policy.metadata;
        if (generation === undefined || !isUnchecked(policy)) return current;
        const warnings = typeWarnings(policy, kindTypes(deps.kinds));
        const typeChecking = warnings.length === 0 ? {} : { expressionWarnings: [...warnings] };
        const status = { observedGeneration: generation, typeChecking };
        return deps.applyOwn(current, { manager: statusManager, status });
      },
      { dryRun: false, via: "server", by: serverRequester },
    );
  } catch (error) {
    if (!(error instanceof ApiError) || error.reason !== "NotFound") throw error; // it is gone
  }
}

/** The kinds that are served, as policies see them. */
export function kindTypes(kinds: Kinds): KindTypes {
  return {
    kindsOf: (group, version, resource) =>
      kinds.served
        .filter((one) => (group === "" || one.group === group) && one.version === version)
        .filter(({ plural, kind }) => plural === resource || kind.singular === resource)
        .map((one) => ({ group: one.group, version, kind: one.kind.kind })),
    typeOf: ({ group, version, kind }) => {
      const apiVersion = group === "" ? version : `${group}/${version}`;
      const schema = kinds.byKind(apiVersion, kind)?.schema;
      if (schema === undefined) return builtInType(apiVersion, kind);
      if (schema.openApi === undefined) return undefined;
      return customType(kind, schema.openApi.schema) ?? types.dyn;
    },
  };
}
