import { createHmac } from "node:crypto";
import type { Secret } from "../../../client/types.ts";

/** Secrets that hold bootstrap tokens: by them new nodes know the cluster, and the cluster them. Pure. */

const secretType = "bootstrap.kubernetes.io/token";
export const bootstrapTokenNamespace = "kube-system";
const namePattern = /^bootstrap-token-([a-z0-9]{6})$/;

export const isBootstrapToken = ({ type, metadata }: Secret): boolean =>
  type === secretType && metadata.namespace === bootstrapTokenNamespace;

const field = ({ data }: Secret, key: string) => Buffer.from(data?.[key] ?? "", "base64").toString("utf8");

/** How long the token still holds; undefined for ever, 0 no more. One whose end cannot be read has ended. */
export function remainingMs(secret: Secret, nowMs: number): number | undefined {
  const text = field(secret, "expiration");
  if (text === "") return undefined;
  const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text);
  const endMs = isTime ? Date.parse(text) : Number.NaN;
  return Number.isNaN(endMs) ? 0 : Math.max(0, endMs - nowMs);
}

export interface SigningToken {
  readonly id: string;
  readonly secret: string;
}

/** What the cluster's information is signed with; undefined where this token is not for that, or has ended. */
export function signingToken(secret: Secret, nowMs: number): SigningToken | undefined {
  const [, id] = namePattern.exec(secret.metadata.name) ?? [];
  const key = field(secret, "token-secret");
  if (id === undefined || field(secret, "token-id") !== id || key === "") return undefined;
  if (remainingMs(secret, nowMs) === 0 || field(secret, "usage-bootstrap-signing") !== "true")
    return undefined;
  return { id, secret: key };
}

/** A JSON Web Signature (HS256) without its content, as whoever knows the token can check it (RFC 7515, appendix F). */
export function detachedSignature(content: string, { id, secret }: SigningToken): string {
  const header = Buffer.from(JSON.stringify({ alg: "HS256", kid: id })).toString("base64url");
  const body = Buffer.from(content).toString("base64url");
  const signature = createHmac("sha256", secret).update(`${header}.${body}`).digest("base64url");
  return `${header}..${signature}`;
}
