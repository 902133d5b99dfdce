import { signJws } from "../../../base/os/jws.ts";
import type { SigningKey } from "../../../base/os/signing-keys.ts";
import type { JsonObject } from "../json.ts";

/** How this server gives out service accounts' tokens. */
export interface TokenIssuer {
  readonly issuer: string;
  readonly key: SigningKey;
  /** Whom a token is for that names nobody. */
  readonly audiences: readonly string[];
  /** The longest that a token may live; absent: as long as asked for. */
  readonly maxExpirationSeconds: number | undefined;
  /** Tokens of the volume that admission adds live for a year, for programs that read theirs only once. */
  readonly extendExpiration: boolean;
}

interface Ref {
  readonly name: string;
  readonly uid: string;
}

export interface TokenSubject {
  readonly namespace: string;
  readonly account: Ref;
  readonly pod?: Ref;
  readonly secret?: Ref;
  /** Without a uid where there is no such Node. */
  readonly node?: { readonly name: string; readonly uid?: string };
}

export interface TokenTimes {
  readonly nowMs: number;
  readonly lifeSeconds: number;
  readonly warnAfterSeconds?: number;
}

/** A token with Kubernetes' claims, in the order in which Go writes them. */
export function issueToken(
  { issuer, key }: TokenIssuer,
  { namespace, account, pod, secret, node }: TokenSubject,
  { audiences, id, times }: { audiences: readonly string[]; id: string; times: TokenTimes },
): string {
  const now = Math.floor(times.nowMs / 1000);
  const claims: JsonObject = {
    aud: audiences,
    exp: now + times.lifeSeconds,
    iat: now,
    iss: issuer,
    jti: id,
    "kubernetes.io": {
      namespace,
      ...(node && { node }),
      ...(pod && { pod }),
      ...(secret && { secret }),
      serviceaccount: account,
      ...(times.warnAfterSeconds !== undefined && { warnafter: now + times.warnAfterSeconds }),
    },
    nbf: now,
    sub: `system:serviceaccount:${namespace}:${account.name}`,
  };
  return signJws(claims, { key: key.key, keyId: key.keyId, algorithm: key.algorithm });
}
