import type { RestConfig } from "../../../client/kubeconfig.ts";
import { RestClient } from "../../../client/rest.ts";

export interface Person {
  readonly username: string;
  readonly groups: readonly string[];
}

/** Whom the API server sees in this configuration's user. Rejects with ApiError where it sees nobody. */
export async function whoIs(config: RestConfig): Promise<Person> {
  const client = new RestClient(config, { userAgent: "pintle-dashboard" });
  try {
    const review = { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" };
    const text = await client.raw("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", review);
    const { status } = JSON.parse(text) as { readonly status?: { readonly userInfo?: Partial<Person> } };
    return { username: status?.userInfo?.username ?? "", groups: status?.userInfo?.groups ?? [] };
  } finally {
    client.close();
  }
}
