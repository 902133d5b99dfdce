import { type KubeClient, kinds } from "pintle/client";
import type { PreviewEnvironment } from "./preview.ts";

/** What the API server asks. */
export interface AdmissionRequest {
  uid: string;
  operation: "CREATE" | "UPDATE" | "DELETE" | "CONNECT";
  userInfo: { username: string; uid?: string; groups?: string[]; extra?: Record<string, string[]> };
  object: PreviewEnvironment;
  oldObject: PreviewEnvironment | null;
}

/** The patch is a JSON patch. */
export interface AdmissionResponse {
  allowed: boolean;
  status?: { code: number; message: string };
  patch?: object[];
}

/** A default that only the request knows: who makes a preview may work in it. */
export function addUser({ operation, userInfo, object }: AdmissionRequest): AdmissionResponse {
  if (operation !== "CREATE" || object.spec.users?.length) return { allowed: true };
  return { allowed: true, patch: [{ op: "add", path: "/spec/users", value: [userInfo.username] }] };
}

/** The operator may read every secret; whoever asks for a copy must be allowed to read the original. */
export async function checkSecrets(
  { userInfo, object, oldObject }: AdmissionRequest,
  api: KubeClient,
): Promise<AdmissionResponse> {
  const had = oldObject?.spec.secrets ?? [];
  for (const name of object.spec.secrets ?? []) {
    if (had.includes(name)) continue;
    const { status } = await api.create(kinds.SubjectAccessReview, {
      metadata: {},
      spec: {
        user: userInfo.username,
        ...(userInfo.uid && { uid: userInfo.uid }),
        groups: userInfo.groups ?? [],
        extra: userInfo.extra ?? {},
        resourceAttributes: { namespace: object.metadata.namespace, verb: "get", resource: "secrets", name },
      },
    });
    if (status?.allowed) continue;
    const message = `${userInfo.username} may not read the secret ${name}, and so not have it copied`;
    return { allowed: false, status: { code: 403, message } };
  }
  return { allowed: true };
}
