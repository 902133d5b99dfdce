import type { ObjectType, Write } from "../admission/admission.ts";
import { type JsonObject, toKubeObject } from "../json.ts";
import { type Call, type HandlerDeps, requesterOf } from "./call.ts";

/** What a subresource is sent that is no object of the served kind: a Binding, an Eviction, a TokenRequest. */
export interface Sent {
  readonly type: ObjectType;
  readonly said: JsonObject;
  readonly dryRun: boolean;
  /** What it is sent to, where that is not what the path says. */
  readonly subresource?: string;
}

export interface AdmittedRequest {
  /** As admission left it. */
  readonly object: JsonObject;
  /** The second phase, to be asked once the request is known to be in order. */
  readonly validate: () => Promise<void>;
}

/** Lets admission see such a request as what it is, and change it. Fails as admission says. */
export async function admitRequest(
  call: Call,
  deps: HandlerDeps,
  { type, said, dryRun, subresource }: Sent,
): Promise<AdmittedRequest> {
  const object = toKubeObject(said);
  const { namespace } = call.target;
  if (call.served.kind.namespaced && namespace !== "") object.metadata.namespace ??= namespace;
  const by = { ...requesterOf(call), ...(subresource !== undefined && { subresource }) };
  const write: Write = { operation: "create", object };
  const attributes = { ...write, kind: call.served.kind, type, by, dryRun };
  await deps.admission.mutate(attributes);
  return { object: { ...object }, validate: async () => deps.admission.validate(attributes) };
}
