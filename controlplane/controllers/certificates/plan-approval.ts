import { readCertificateRequest } from "../../../base/os/certificate-request.ts";
import type { CertificateSigningRequest } from "../../../client/types.ts";
import { kubeletClientProblem } from "./kubelet-requests.ts";
import { isDecided, isIssued, pemOf } from "./request-state.ts";

/** A right that is reason enough to approve, asked of who made the request. */
export interface ApprovalReason {
  readonly subresource: "selfnodeclient" | "nodeclient";
  readonly message: string;
}

/** The rights of which one suffices, in the order in which they are asked; none where the request is not the approver's
 *  affair. Throws where it cannot be read. Pure. */
export function approvalReasons(request: CertificateSigningRequest): readonly ApprovalReason[] {
  if (isIssued(request) || isDecided(request)) return [];
  const { signerName, usages = [], username } = request.spec;
  if (signerName !== "kubernetes.io/kube-apiserver-client-kubelet") return [];
  const info = readCertificateRequest(pemOf(request.spec.request));
  if (kubeletClientProblem(info, usages) !== undefined) return [];
  const own: ApprovalReason = {
    subresource: "selfnodeclient",
    message: "Auto approving self kubelet client certificate after SubjectAccessReview.",
  };
  const any: ApprovalReason = {
    subresource: "nodeclient",
    message: "Auto approving kubelet client certificate after SubjectAccessReview.",
  };
  return username === info.commonName ? [own, any] : [any];
}
