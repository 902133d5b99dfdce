import type { Clock } from "../../../base/os/clock.ts";
import { isSignedBy, parseJws } from "../../../base/os/jws.ts";
import type { VerifyingKey } from "../../../base/os/signing-keys.ts";
import { serviceAccountUser } from "../filters/service-account-user.ts";
import { type JsonObject, objectOf, stringOf } from "../json.ts";
import {
  type Audiences,
  AuthenticationError,
  intersection,
  type TokenAuthenticator,
} from "./authenticator.ts";
import type { BoundObjects } from "./bound-objects.ts";
import { leewaySeconds, registeredClaims, requireInTime } from "./token-claims.ts";

export interface ServiceAccountTokenConfig {
  readonly issuers: readonly string[];
  readonly keys: readonly VerifyingKey[];
  /** This server's own, for tokens that name none. */
  readonly audiences: Audiences;
}

export interface SignedClaims {
  readonly token: string;
  readonly claims: JsonObject;
  readonly subject: string;
  readonly id: string;
}

/** The tokens that `serviceaccounts/NAME/token` gives out: signed by one of our keys, for one of the wanted audiences, in
 *  their time, and bound to objects that are all still there. */
export function serviceAccountTokens(
  config: ServiceAccountTokenConfig,
  { objects, clock }: { readonly objects: BoundObjects; readonly clock: Clock },
): TokenAuthenticator {
  return signedTokens(config, clock, async ({ claims, id }) => {
    const said = objectOf(claims["kubernetes.io"]);
    const namespace = stringOf(said.namespace);
    const account = refOf(said.serviceaccount);
    const pod = said.pod === undefined ? undefined : refOf(said.pod);
    const secret = said.secret === undefined ? undefined : refOf(said.secret);
    const node = said.node === undefined ? undefined : refOf(said.node);
    // What is deleted may still be there to end in good order; its tokens do not outlive it for long.
    const goneBeforeMs = clock.wallMs() - leewaySeconds * 1000;
    await requireAccount(objects, { namespace, ...account }, goneBeforeMs);
    const requireObject = boundObject(objects, goneBeforeMs);
    if (secret !== undefined) await requireObject("secrets", namespace, secret, "secret");
    if (pod !== undefined) await requireObject("pods", namespace, pod, "pod");
    // Beside a pod the node only says where the pod was when the token was made.
    else if (node !== undefined) await requireObject("nodes", "", node, "node");
    return serviceAccountUser({
      namespace,
      ...account,
      ...(pod && { pod }),
      ...(node && { node }),
      ...(id !== "" && { credentialId: `JTI=${id}` }),
    });
  });
}

/** What tokens of an issuer have in common: `userOf` judges what this one says. */
export function signedTokens(
  { issuers, keys, audiences: own }: ServiceAccountTokenConfig,
  clock: Clock,
  userOf: (signed: SignedClaims) => Promise<ReturnType<typeof serviceAccountUser>>,
): TokenAuthenticator {
  return async (token, wanted = own) => {
    const jws = parseJws(token);
    if (jws === undefined || !issuers.includes(stringOf(jws.claims.iss))) return undefined;
    const candidates = jws.keyId === "" ? keys : keys.filter(({ keyId }) => keyId === jws.keyId);
    if (candidates.length === 0) throw new AuthenticationError("invalid signature, no keys found");
    if (!candidates.some(({ key, algorithm }) => isSignedBy(jws, key, [algorithm])))
      throw new AuthenticationError("go-jose/go-jose: error in cryptographic primitive");
    const registered = registeredClaims(jws.claims);
    if (registered === undefined)
      throw new AuthenticationError("the token's claims have other types than theirs");
    const meantFor = registered.audiences.length > 0 ? registered.audiences : own;
    const audiences = intersection(meantFor, wanted);
    if (audiences.length === 0 && own.length > 0)
      throw new AuthenticationError(
        `token audiences ${quoted(meantFor)} is invalid for the target audiences ${quoted(wanted)}`,
      );
    requireInTime(registered, clock.wallMs());
    const { subject, id } = registered;
    return { user: await userOf({ token, claims: jws.claims, subject, id }), audiences };
  };
}

interface Ref {
  readonly name: string;
  readonly uid: string;
}

function refOf(value: unknown): Ref {
  const { name, uid } = objectOf(value);
  return { name: stringOf(name), uid: stringOf(uid) };
}

/** As Go prints a list of quoted strings. */
const quoted = (values: readonly string[]) => `[${values.map((one) => JSON.stringify(one)).join(" ")}]`;

async function requireAccount(
  objects: BoundObjects,
  { namespace, name, uid }: Ref & { readonly namespace: string },
  goneBeforeMs: number,
): Promise<void> {
  const account = await objects("serviceaccounts", { namespace, name, uid });
  if (account === undefined)
    throw new AuthenticationError(`serviceaccounts ${JSON.stringify(name)} not found`);
  if (account.metadata.uid !== uid)
    throw new AuthenticationError(
      `service account UID (${account.metadata.uid}) does not match claim (${uid})`,
    );
  if (isGone(account.metadata.deletionTimestamp, goneBeforeMs))
    throw new AuthenticationError(`service account ${namespace}/${name} has been deleted`);
}

function boundObject(objects: BoundObjects, goneBeforeMs: number) {
  return async (
    plural: "secrets" | "pods" | "nodes",
    namespace: string,
    { name, uid }: Ref,
    what: "secret" | "pod" | "node",
  ): Promise<void> => {
    const object = await objects(plural, { namespace, name, uid });
    const invalidated = "service account token has been invalidated";
    if (object === undefined) throw new AuthenticationError(invalidated);
    if (object.metadata.uid !== uid)
      throw new AuthenticationError(
        `${what} UID (${object.metadata.uid}) does not match service account ${what} ref claim (${uid})`,
      );
    if (isGone(object.metadata.deletionTimestamp, goneBeforeMs)) throw new AuthenticationError(invalidated);
  };
}

function isGone(deletionTimestamp: string | undefined, beforeMs: number): boolean {
  return deletionTimestamp !== undefined && Date.parse(deletionTimestamp) < beforeMs;
}
