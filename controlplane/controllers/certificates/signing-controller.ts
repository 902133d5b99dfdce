import { UsageError } from "../../../base/os/flags.ts";
import { isConflict, isNotFound, orAbsent } from "../../../client/api-error.ts";
import { resources } from "../../../client/resources.ts";
import { joining, removedAtMs, removedNodes } from "../../../client/rules/joining-nodes.ts";
import { nodeOfRequest } from "../../../client/rules/node-requests.ts";
import type { CertificateSigningRequest } from "../../../client/types.ts";
import type { Controller, ControllerClient, ControllerContext } from "../controller.ts";
import { timeText } from "../times.ts";
import { AuthorityFiles } from "./authority-files.ts";
import { mayBeSigned, planSigning } from "./plan-signing.ts";

/** Signs requests that were approved, with the authority of their signer. */
export const signingController: Controller = {
  name: "certificatesigningrequest-signing-controller",
  workers: 5,
  enabled: ({ clusterSigning }) => clusterSigning !== undefined,
  setUp(context, queue) {
    const { client, config, informers, clock } = context;
    const durationMsMax = config.clusterSigning?.durationMsMax ?? 0;
    const authorities = authoritiesOf(context);
    const requests = informers.informer(resources.certificatesigningrequests);
    const enqueue = ({ metadata }: CertificateSigningRequest) => queue.add(metadata.name);
    requests.subscribe({ onAdd: enqueue, onUpdate: enqueue });
    return async (name) => {
      const request = requests.getByKey(name);
      if (request === undefined) return;
      const authority = authorities.get(request.spec.signerName);
      if (authority === undefined || !mayBeSigned(request)) return;
      const nowMs = clock.wallMs();
      const signer = authority.current();
      const authorityNotAfterMs = signer.notAfterMs;
      const notBeforeMsMin = await removalOf(client, request);
      const plan = planSigning(request, { nowMs, durationMsMax, authorityNotAfterMs, notBeforeMsMin });
      if (plan.action === "none") return;
      const conditions = request.status?.conditions ?? [];
      const failed = {
        type: "Failed",
        status: "True",
        reason: "SignerValidationFailure",
        message: plan.action === "fail" ? plan.message : "",
        lastUpdateTime: timeText(nowMs),
      };
      const status =
        plan.action === "fail"
          ? { ...request.status, conditions: [...conditions, failed] }
          : {
              ...request.status,
              certificate: Buffer.from(signer.sign(plan.request, plan.terms)).toString("base64"),
            };
      try {
        await client.updateStatus(resources.certificatesigningrequests, { ...request, status });
      } catch (error) {
        // Changed or gone meanwhile: what the cache shows next decides.
        if (!isNotFound(error) && !isConflict(error)) throw error;
      }
    };
  },
};

/** A node that was removed joins again with a certificate that begins after its removal, or it would be refused as the one before
 *  is (`apiserver/authentication/removed-nodes.ts`). Undefined: the node was not removed. */
async function removalOf(
  client: ControllerClient,
  { spec }: CertificateSigningRequest,
): Promise<number | undefined> {
  if (spec.signerName !== joining.clientSigner) return undefined;
  const node = nodeOfRequest(spec.request);
  if (node === undefined) return undefined;
  const atMs = removedAtMs(await orAbsent(client.get(resources.configmaps, removedNodes)), node);
  if (atMs === undefined || Number.isFinite(atMs)) return atMs;
  const { namespace, name } = removedNodes;
  throw new Error(`configmap ${namespace}/${name} does not say when node ${node} was removed`);
}

/** Throws UsageError when an authority cannot be used. */
function authoritiesOf({ config, log }: ControllerContext): ReadonlyMap<string, AuthorityFiles> {
  return new Map(
    [...(config.clusterSigning?.files ?? [])].map(([signer, files]) => {
      try {
        return [signer, new AuthorityFiles(files, { log, readText: config.readText })] as const;
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        throw new UsageError(`--cluster-signing-…: cannot use the authority of ${signer}: ${why}`);
      }
    }),
  );
}
