import { isNotFound } from "../../client/api-error.ts";
import { resources } from "../../client/resources.ts";
import type { Pod } from "../../client/types.ts";
import { RuntimeError, type UserRange } from "../runtime/seam.ts";
import type { PodContext } from "./pod-context.ts";

/** Which of the container runtime's ways to run containers a pod is for, by its RuntimeClass (empty for the usual one), and its own
 *  users, where it is to have some. Rejects with RuntimeError where there is no such class, or it has no way to such users. What a
 *  handler is to the runtime, the runtime says. */
export async function runtimeHandler(
  { metadata, spec: { runtimeClassName, hostUsers } }: Pod,
  { client, users, able }: Pick<PodContext, "client" | "users" | "able">,
): Promise<{ readonly handler: string; readonly users?: UserRange }> {
  const handler = await handlerOf(runtimeClassName, client);
  if (hostUsers !== false) return { handler };
  if (users === undefined || !able.userNamespaces(handler)) throw new RuntimeError(noUserNamespaces(handler));
  return { handler, users: await users.take(metadata.uid) };
}

/** In the kubelet's words. */
export const noUserNamespaces = (handler: string): string =>
  `can't set \`spec.hostUsers: false\`, ${
    handler === "" ? "runtime" : `RuntimeClass handler ${JSON.stringify(handler)}`
  } does not support user namespaces`;

async function handlerOf(name: string | undefined, client: PodContext["client"]): Promise<string> {
  if (!name) return "";
  try {
    return (await client.get(resources.runtimeclasses, { name })).handler;
  } catch (error) {
    if (!isNotFound(error)) throw error;
    throw new RuntimeError(`RuntimeClass.node.k8s.io ${JSON.stringify(name)} not found`, { cause: error });
  }
}
