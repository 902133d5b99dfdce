import { isConflict, isNotFound, orAbsent } from "../../../client/api-error.ts";
import { resources } from "../../../client/resources.ts";
import { podReferences } from "../../../client/rules/pod-references.ts";
import type { Controller, ControllerContext } from "../controller.ts";
import { doAll } from "../do-all.ts";
import { invalidSinceLabel, type LegacyTokenStep, planLegacyTokens } from "./plan-legacy-tokens.ts";

const tracking = { namespace: "kube-system", name: "kube-apiserver-legacy-service-account-token-tracking" };
/** Tokens' use is noted by the day. */
const lookEveryMs = 24 * 60 * 60 * 1000;

export const legacyTokenCleanerController: Controller = {
  name: "legacy-serviceaccount-token-cleaner-controller",
  workers: 1,
  setUp(context, queue) {
    const { informers, clock, config } = context;
    const secrets = informers.informer(resources.secrets);
    const accounts = informers.informer(resources.serviceaccounts);
    const pods = informers.informer(resources.pods);
    queue.add("all");
    return async (_, signal) => {
      const trackedSince = await trackingBegan(context, signal);
      const mounted = new Map<string, ReadonlySet<string>>();
      const secretsOf = (namespace: string): ReadonlySet<string> => {
        const known =
          mounted.get(namespace) ??
          new Set(
            pods
              .byNamespace(namespace)
              .flatMap(({ spec, metadata }) => [...podReferences(spec, metadata.name).secrets]),
          );
        mounted.set(namespace, known);
        return known;
      };
      const steps = planLegacyTokens({
        secrets: secrets.list(),
        account: (namespace, name) => accounts.get({ namespace, name }),
        isMounted: (namespace, name) => secretsOf(namespace).has(name),
        trackedSince,
        periodMs: config.legacyTokenCleanUpMs,
        nowMs: clock.wallMs(),
      });
      await doAll(steps, (step) => carryOut(context, step));
      return { requeueAfterMs: lookEveryMs };
    };
  },
};

/** Undefined where API servers do not note what is used. */
async function trackingBegan(
  { client }: ControllerContext,
  signal: AbortSignal,
): Promise<string | undefined> {
  return (await orAbsent(client.get(resources.configmaps, tracking, { signal })))?.data?.since;
}

async function carryOut({ client, log }: ControllerContext, step: LegacyTokenStep): Promise<void> {
  const { namespace = "", name, uid, resourceVersion } = step.secret.metadata;
  try {
    if (step.step === "delete") {
      log.info("a token that nobody uses is deleted", { namespace, name });
      await client.delete(
        resources.secrets,
        { namespace, name },
        { preconditions: { resourceVersion, uid } },
      );
      return;
    }
    log.info("a token that nobody uses is refused from now on", { namespace, name });
    const metadata = { uid, labels: { [invalidSinceLabel]: step.since } };
    await client.patch(resources.secrets, { namespace, name }, { metadata }, { type: "merge" });
  } catch (error) {
    // Used or gone meanwhile.
    if (!isConflict(error) && !isNotFound(error)) throw error;
  }
}
