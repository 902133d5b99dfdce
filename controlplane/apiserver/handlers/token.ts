import type { KubeObject } from "../../../client/types.ts";
import { badRequest, conflict, invalid, notFound, pathNotFound } from "../api-error.ts";
import { issueToken, type TokenIssuer, type TokenSubject } from "../authentication/token-issuer.ts";
import { isObject, type JsonObject, listOf, objectOf, stringOf, stringsOf, toKubeObject } from "../json.ts";
import type { FieldError } from "../registry/kind.ts";
import { newUid, rfc3339 } from "../registry/object-meta.ts";
import { decodeStored, namedKey } from "../registry/stored-object.ts";
import { invalid as fieldInvalid } from "../resources/field-errors.ts";
import { rootType } from "../schema/load.ts";
import { admitRequest } from "./admit-request.ts";
import type { Answer, Call, HandlerDeps } from "./call.ts";
import { readRequest } from "./decode-body.ts";
import { managerOf } from "./field-manager.ts";
import { isDryRun } from "./write-options.ts";

const group = "authentication.k8s.io";
const tokenRequest = { group, version: "v1", kind: "TokenRequest" };

const usualLifeSeconds = 3600;
const shortestLifeSeconds = 600;
const longestLifeSeconds = 2 ** 32;
/** What admission asks for in the volume that it adds to pods. Programs of old read such a token once, and so it lives on
 *  for a year; from when on it is stale stands in it. */
const warnOnlyLifeSeconds = 3607;
const extendedLifeSeconds = 365 * 24 * 3600;

/** POST serviceaccounts/NAME/token: a token for the account, bound to an object where one is named. */
export async function createToken(call: Call, deps: HandlerDeps): Promise<Answer> {
  const { namespace, name } = call.target;
  const said = toKubeObject(readRequest(call, deps.schemas, tokenRequest));
  said.spec = { expirationSeconds: usualLifeSeconds, ...objectOf(said.spec) };
  const dryRun = isDryRun(call.query);
  const issuer = deps.tokens;
  if (issuer === undefined) throw pathNotFound();
  recordRequester(call, deps, said);
  // Admission sees what was asked for, before this server's own audiences stand for none.
  const { object: asked, validate } = await admitRequest(call, deps, {
    type: tokenRequest,
    said: { ...said },
    dryRun,
  });
  await validate();
  const saidMeta = objectOf(said.metadata);
  const saidName = stringOf(saidMeta.name);
  if (saidName !== "" && saidName !== name)
    throw invalid(tokenRequest, name, [
      fieldInvalid("metadata.name", saidName, "must match the service account name if specified"),
    ]);
  const account = await objectNow(deps, "serviceaccounts", namespace, name);
  const { uid = "" } = account.metadata;
  const saidUid = stringOf(saidMeta.uid);
  if (saidUid !== "" && saidUid !== uid)
    throw conflict(
      { group, plural: "TokenRequest" },
      name,
      `the UID in the token request (${saidUid}) does not match the UID of the service account (${uid})`,
    );
  const nowMs = deps.clock.wallMs();
  const spec = specOf(objectOf(asked.spec), issuer);
  const { resourceVersion: _none, ...keptMeta } = said.metadata;
  const metadata = { ...keptMeta, name, namespace, uid, creationTimestamp: rfc3339(nowMs) };
  const request = { kind: "TokenRequest", apiVersion: `${group}/v1`, metadata, spec };
  const problems = lifeProblems(spec.expirationSeconds);
  if (problems.length > 0) throw invalid(tokenRequest, "", problems);
  const bound = await boundTo(deps, call, spec.boundObjectRef);
  const { maxExpirationSeconds } = issuer;
  if (maxExpirationSeconds !== undefined && spec.expirationSeconds > maxExpirationSeconds) {
    call.warn(
      `requested expiration of ${spec.expirationSeconds} seconds shortened to ${maxExpirationSeconds} seconds`,
    );
    spec.expirationSeconds = maxExpirationSeconds;
  }
  const asksForUsual =
    bound.pod !== undefined &&
    spec.expirationSeconds === warnOnlyLifeSeconds &&
    spec.audiences.every((one) => issuer.audiences.includes(one));
  const times =
    issuer.extendExpiration && asksForUsual
      ? { nowMs, lifeSeconds: extendedLifeSeconds, warnAfterSeconds: warnOnlyLifeSeconds }
      : { nowMs, lifeSeconds: spec.expirationSeconds };
  const token = issueToken(
    issuer,
    { namespace, account: { name, uid }, ...bound },
    { audiences: spec.audiences, id: newUid(deps.random), times },
  );
  const expirationTimestamp = rfc3339(nowMs + spec.expirationSeconds * 1000);
  return { type: "json", code: 201, body: { ...request, status: { token, expirationTimestamp } } };
}

/** Notes in the request who set which of its fields: it is answered, though kept nowhere. */
function recordRequester(call: Call, { schemas, clock }: HandlerDeps, request: KubeObject): void {
  const apiVersion = `${group}/v1`;
  schemas.recordUpdate({
    current: undefined,
    next: request,
    manager: managerOf(call),
    subresource: "token",
    resets: [],
    now: rfc3339(clock.wallMs()),
    type: rootType({ apiVersion, kind: tokenRequest.kind }),
    apiVersion,
  });
}

interface Spec {
  readonly audiences: readonly string[];
  expirationSeconds: number;
  readonly boundObjectRef: JsonObject | null;
}

function specOf(said: JsonObject, issuer: TokenIssuer): Spec {
  const { audiences, expirationSeconds, boundObjectRef } = said;
  return {
    audiences: listOf(audiences).length > 0 ? stringsOf(audiences) : issuer.audiences,
    expirationSeconds: typeof expirationSeconds === "number" ? expirationSeconds : usualLifeSeconds,
    boundObjectRef: isObject(boundObjectRef) ? boundObjectRef : null,
  };
}

function lifeProblems(seconds: number): readonly FieldError[] {
  const field = "spec.expirationSeconds";
  if (seconds < shortestLifeSeconds)
    return [fieldInvalid(field, seconds, "may not specify a duration less than 10 minutes")];
  if (seconds > longestLifeSeconds)
    return [fieldInvalid(field, seconds, "may not specify a duration larger than 2^32 seconds")];
  return [];
}

async function boundTo(
  deps: HandlerDeps,
  { target }: Call,
  reference: JsonObject | null,
): Promise<Pick<TokenSubject, "pod" | "secret" | "node">> {
  if (reference === null) return {};
  const [kind, apiVersion, name, uid] = ["kind", "apiVersion", "name", "uid"].map((field) =>
    stringOf(reference[field]),
  ) as [string, string, string, string];
  const { namespace } = target;
  const [version = "", ofGroup = ""] = apiVersion.split("/").reverse();
  const require = (object: KubeObject) => {
    const found = { name, uid: object.metadata.uid ?? "" };
    if (uid !== "" && uid !== found.uid)
      throw conflict(
        { group: ofGroup, plural: kind },
        name,
        `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`,
      );
    return found;
  };
  switch (`${ofGroup}/${kind}`) {
    case "/Pod": {
      const pod = await objectNow(deps, "pods", namespace, name);
      const { serviceAccountName, nodeName } = objectOf(pod.spec);
      if (serviceAccountName !== target.name)
        throw badRequest(
          `cannot bind token for serviceaccount ${JSON.stringify(target.name)} to pod running with different serviceaccount name.`,
        );
      const node = await nodeOf(deps, stringOf(nodeName));
      return { pod: require(pod), ...(node && { node }) };
    }
    case "/Node":
      return { node: require(await objectNow(deps, "nodes", "", name)) };
    case "/Secret":
      return { secret: require(await objectNow(deps, "secrets", namespace, name)) };
    default:
      throw badRequest(`cannot bind token to object of type ${ofGroup}/${version}, Kind=${kind}`);
  }
}

/** Where a pod is; only the name where that Node is not there. */
async function nodeOf(deps: HandlerDeps, name: string): Promise<TokenSubject["node"]> {
  if (name === "") return undefined;
  const uid = (await stored(deps, "nodes", "", name))?.metadata.uid;
  return { name, ...(uid !== undefined && { uid }) };
}

/** The object as the store has it. Fails with 404. */
async function objectNow(
  deps: HandlerDeps,
  plural: string,
  namespace: string,
  name: string,
): Promise<KubeObject> {
  const found = await stored(deps, plural, namespace, name);
  if (found === undefined) throw notFound({ group: "", plural }, name);
  return found;
}

async function stored(
  deps: HandlerDeps,
  plural: string,
  namespace: string,
  name: string,
): Promise<KubeObject | undefined> {
  const kind = deps.kinds.named("", plural)?.kind;
  const key = kind && namedKey(kind, namespace, name);
  if (kind === undefined || key === undefined || name === "") return undefined;
  const { entry } = await deps.storage.get(key);
  return entry && decodeStored(kind, entry.value, entry.modRevision);
}
