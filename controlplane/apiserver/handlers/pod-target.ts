import { badRequest, notFound } from "../api-error.ts";
import { isObject, type JsonObject, listOf, objectOf, stringOf } from "../json.ts";
import { nodeAddress } from "../reach/node-address.ts";
import { decodeStored, objectKey } from "../registry/stored-object.ts";
import type { Call, HandlerDeps } from "./call.ts";

/** Where the agent that runs a pod listens, and which container is meant: none for what concerns the whole pod. */
export interface PodTarget {
  readonly host: string;
  readonly port: number;
  readonly container: string;
  readonly node: string;
}

type Asking = Pick<Call, "served" | "target" | "query">;

/** Fails with BadRequest where the container is unknown or the pod has no node, and with 404 for a missing pod. */
export async function podTarget(call: Asking, deps: HandlerDeps): Promise<PodTarget> {
  // A port is the whole pod's.
  const isPort = call.target.subresource === "portforward";
  const target = await targetOf(call, deps, isPort ? () => "" : containerOf);
  if (target === undefined) throw badRequest(`pod ${call.target.name} does not have a host assigned`);
  return target;
}

/** The same for who only wants to read: undefined where the pod has no node. */
export function logTarget(call: Asking, deps: HandlerDeps): Promise<PodTarget | undefined> {
  return targetOf(call, deps, containerOf);
}

async function targetOf(
  call: Asking,
  deps: HandlerDeps,
  choose: typeof containerOf,
): Promise<PodTarget | undefined> {
  const { kind } = call.served;
  const { name, namespace } = call.target;
  const { entry } = await deps.storage.get(objectKey(kind, namespace, name));
  if (entry === undefined) throw notFound(call.served, name);
  const spec = objectOf(decodeStored(kind, entry.value, entry.modRevision).spec);
  const container = choose(name, spec, call.query.get("container") ?? "");
  const node = stringOf(spec.nodeName);
  return node === "" ? undefined : { ...(await nodeAddress(deps, node)), container, node };
}

function containerOf(pod: string, spec: JsonObject, asked: string): string {
  const names = (field: string) =>
    listOf(spec[field])
      .filter(isObject)
      .map((one) => stringOf(one.name));
  const main = names("containers");
  const all = [...main, ...names("initContainers"), ...names("ephemeralContainers")];
  if (asked !== "") {
    if (all.includes(asked)) return asked;
    throw badRequest(`container ${asked} is not valid for pod ${pod}`);
  }
  const [only] = main;
  if (main.length === 1 && only !== undefined) return only;
  const inits = names("initContainers");
  const others = inits.length > 0 ? ` or one of the init containers: [${inits.join(" ")}]` : "";
  throw badRequest(
    `a container name must be specified for pod ${pod}, choose one of: [${main.join(" ")}]${others}`,
  );
}
