import { isNotFound } from "../../client/api-error.ts";
import { resources } from "../../client/resources.ts";
import type { Pod } from "../../client/types.ts";
import { RuntimeError } from "../runtime/seam.ts";
import type { PodContext } from "./pod-context.ts";

/** Which of the container runtime's ways to run containers a pod is for, by its RuntimeClass; empty for the usual one. Rejects with
 *  RuntimeError where there is no such class. What its handler is to the runtime, the runtime says. */
export async function runtimeHandler(
  { spec: { runtimeClassName: name } }: Pod,
  { client }: Pick<PodContext, "client">,
): Promise<string> {
  if (!name) return "";
  try {
    return (await client.get(resources.runtimeclasses, { name })).handler;
  } catch (error) {
    if (!isNotFound(error)) throw error;
    throw new RuntimeError(`RuntimeClass.node.k8s.io ${JSON.stringify(name)} not found`, { cause: error });
  }
}
