import type { CertificateSigningRequest } from "../../../client/types.ts";
import type { ControllerClient } from "../controller.ts";

const requestsPath = "/apis/certificates.k8s.io/v1/certificatesigningrequests";

export interface Decision {
  readonly type: "Approved" | "Denied";
  readonly reason: string;
  readonly message: string;
}

/** Says what was decided about a request. Rejects as the API does where it changed or is gone. */
export async function decide(
  client: ControllerClient,
  request: CertificateSigningRequest,
  decision: Decision,
): Promise<void> {
  const conditions = [...(request.status?.conditions ?? []), { ...decision, status: "True" }];
  const path = `${requestsPath}/${encodeURIComponent(request.metadata.name)}/approval`;
  await client.raw("PUT", path, { ...request, status: { ...request.status, conditions } });
}
