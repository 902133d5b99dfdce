import type { KubeObject } from "../../../client/types.ts";
import { accessForbidden } from "../filters/authorization.ts";
import { type CreateOptions, createObject } from "../registry/create-object.ts";
import { inCreationTrace } from "../telemetry/creation-trace.ts";
import { type Answer, type Call, type HandlerDeps, requesterOf } from "./call.ts";
import { readObject } from "./decode-body.ts";
import { recorderOf } from "./field-manager.ts";
import { isDryRun } from "./write-options.ts";

/** POST to a collection. */
export async function create(call: Call, deps: HandlerDeps): Promise<Answer> {
  const dryRun = isDryRun(call.query);
  return createFrom(call, deps, await readObject(call, deps.schemas), { dryRun });
}

/** A write that creates what it was to change needs the right to create, too. Fails with Forbidden. */
export async function requireCreateRight({ user, target }: Call, { authorizer }: HandlerDeps): Promise<void> {
  const { group, plural, namespace, name } = target;
  const wanted = { verb: "create", group, plural, subresource: "", namespace, name };
  const { allowed, reason } = await authorizer(user, wanted);
  if (!allowed) throw accessForbidden(user, wanted, reason);
}

/** Stores what a client wants to be there, with the client as its manager. */
export async function createFrom(
  call: Call,
  deps: HandlerDeps,
  object: KubeObject,
  options: Pick<CreateOptions, "dryRun" | "inPlaceOfUpdate">,
): Promise<Answer> {
  const all = { ...options, by: requesterOf(call), record: recorderOf(call, deps) };
  const { kind } = call.served;
  const created = await inCreationTrace(deps, kind, object, () => createObject(deps, kind, object, all));
  return { type: "object", code: 201, object: created };
}
