import { isConflict, isNotFound } from "../../../client/api-error.ts";
import { resources } from "../../../client/resources.ts";
import type { CertificateSigningRequest } from "../../../client/types.ts";
import type { Controller, ControllerClient } from "../controller.ts";
import { decide } from "./decide-request.ts";
import { type ApprovalReason, approvalReasons } from "./plan-approval.ts";

const reviewsPath = "/apis/authorization.k8s.io/v1/subjectaccessreviews";

/** Approves requests of nodes' agents for client certificates, where who asks has the right to have them approved. */
export const approvingController: Controller = {
  name: "certificatesigningrequest-approving-controller",
  workers: 5,
  setUp({ client, informers }, queue) {
    const requests = informers.informer(resources.certificatesigningrequests);
    const enqueue = ({ metadata }: CertificateSigningRequest) => queue.add(metadata.name);
    /** For how long those whose maker had no right waited last. */
    const waitedMs = new Map<string, number>();
    requests.subscribe({
      onAdd: enqueue,
      onUpdate: enqueue,
      onDelete: ({ metadata }) => waitedMs.delete(metadata.name),
    });
    return async (name) => {
      const request = requests.getByKey(name);
      if (request === undefined) return;
      const reasons = approvalReasons(request);
      for (const reason of reasons)
        if (await isAllowed(client, request, reason)) {
          await approve(client, request, reason);
          return;
        }
      if (reasons.length === 0 || requests.getByKey(name) === undefined) return;
      // The right may be given later.
      const requeueAfterMs = Math.min(askAgainMsMax, 2 * (waitedMs.get(name) ?? askAgainMs / 2));
      waitedMs.set(name, requeueAfterMs);
      return { requeueAfterMs };
    };
  },
};

/** At first, doubling. */
const askAgainMs = 200;
const askAgainMsMax = 1_000_000;

async function isAllowed(
  client: ControllerClient,
  { spec }: CertificateSigningRequest,
  { subresource }: ApprovalReason,
): Promise<boolean> {
  const { username: user, uid, groups, extra } = spec;
  const resourceAttributes = {
    group: "certificates.k8s.io",
    version: "*",
    resource: "certificatesigningrequests",
    subresource,
    verb: "create",
  };
  const review = {
    apiVersion: "authorization.k8s.io/v1",
    kind: "SubjectAccessReview",
    spec: { user, uid, groups, extra, resourceAttributes },
  };
  const answer = JSON.parse(await client.raw("POST", reviewsPath, review)) as {
    readonly status?: { readonly allowed?: boolean };
  };
  return answer.status?.allowed === true;
}

async function approve(
  client: ControllerClient,
  request: CertificateSigningRequest,
  { message }: ApprovalReason,
): Promise<void> {
  try {
    await decide(client, request, { type: "Approved", reason: "AutoApproved", message });
  } catch (error) {
    // Changed or gone meanwhile: what the cache shows next decides.
    if (!isNotFound(error) && !isConflict(error)) throw error;
  }
}
