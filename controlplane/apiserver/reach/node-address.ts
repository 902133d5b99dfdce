import type { KubeObject } from "../../../client/types.ts";
import { ApiError, notFound } from "../api-error.ts";
import { isObject, type JsonObject, listOf, objectOf, stringOf } from "../json.ts";
import type { Kinds } from "../registry/kind-table.ts";
import type { Storage } from "../registry/storage.ts";
import { decodeStored, objectKey } from "../registry/stored-object.ts";

const kubeletPort = 10250;

/** Where a node's agent listens, as the node says. Fails with 404 for a missing node. */
export async function nodeAddress(
  deps: { readonly kinds: Kinds; readonly storage: Storage },
  name: string,
): Promise<{ readonly host: string; readonly port: number }> {
  const kind = deps.kinds.named("", "nodes")?.kind;
  const entry = kind && (await deps.storage.get(objectKey(kind, "", name))).entry;
  if (kind === undefined || entry === undefined) throw notFound({ group: "", plural: "nodes" }, name);
  const found = agentAddress(decodeStored(kind, entry.value, entry.modRevision));
  if (found === undefined)
    throw new ApiError(500, "InternalError", `node ${name} has no address to reach it at`);
  return found;
}

/** The same of a node that is at hand; undefined for one without an address. Pure. */
export function agentAddress(node: KubeObject): { readonly host: string; readonly port: number } | undefined {
  const status = objectOf((node as unknown as JsonObject).status);
  const addresses = listOf(status.addresses).filter(isObject);
  const found =
    addresses.find((one) => one.type === "InternalIP") ??
    addresses.find((one) => one.type === "Hostname") ??
    {};
  const host = stringOf(found.address);
  if (host === "") return undefined;
  const port = objectOf(objectOf(status.daemonEndpoints).kubeletEndpoint).Port;
  return { host, port: typeof port === "number" ? port : kubeletPort };
}
