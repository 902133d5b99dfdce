import { badRequest, forbidden } from "../api-error.ts";
import type { User } from "../filters/authentication.ts";
import type { Authorizer } from "../filters/authorizer.ts";
import type { ResourceInfo } from "../filters/request-info.ts";
import { admitSession, sessionOptions } from "./admit-session.ts";
import type { Answer, Call, HandlerDeps } from "./call.ts";
import { podTarget } from "./pod-target.ts";

/** exec, attach and portforward without a request to upgrade: says what is wrong with the pod, if anything else is. */
export async function podSession(call: Call, deps: HandlerDeps): Promise<Answer> {
  await authorizeSession(deps.authorizer, call.user, call.target);
  const { subresource } = call.target;
  await admitSession(deps, call, sessionOptions(subresource === "attach" ? "attach" : "exec", call.query));
  await podTarget(call, deps);
  throw badRequest("Upgrade request required");
}

/** A session is made, whichever method asks for it: who may only read may not. Fails with 403. */
export async function authorizeSession(
  authorizer: Authorizer,
  user: User,
  target: ResourceInfo,
): Promise<void> {
  if (target.verb === "create") return;
  const { group, plural, subresource, namespace, name } = target;
  const wanted = { verb: "create", group, plural, subresource, namespace, name };
  const { allowed, reason = "" } = await authorizer(user, wanted);
  if (!allowed) throw forbidden({ group, plural }, name, reason);
}
