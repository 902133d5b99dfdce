import { timingSafeEqual } from "node:crypto";
import type { Clock } from "../../../base/os/clock.ts";
import type { KubeObject } from "../../../client/types.ts";
import { objectOf, stringOf } from "../json.ts";
import type { TokenAuthenticator } from "./authenticator.ts";
import type { BoundObjects } from "./bound-objects.ts";

const tokenPattern = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;
const groupPattern = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/;
const everyonesGroup = "system:bootstrappers";

/** Tokens by which new nodes are known until they have a certificate: `ID.SECRET`, kept in the secret
 *  `bootstrap-token-ID` of kube-system. */
export function bootstrapTokens(
  objects: BoundObjects,
  { clock, explain }: { readonly clock: Clock; readonly explain: (why: string) => void },
): TokenAuthenticator {
  return async (token) => {
    const [, id, secretPart] = tokenPattern.exec(token) ?? [];
    if (id === undefined || secretPart === undefined) return undefined;
    const name = `bootstrap-token-${id}`;
    const secret = await objects("secrets", { namespace: "kube-system", name, uid: "" });
    if (secret === undefined) return undefined;
    const judgedAt = (nowMs: number) => judge(secret.object, { id, secretPart, nowMs });
    const found = judgedAt(clock.wallMs());
    if (typeof found !== "string")
      return {
        user: { name: `system:bootstrap:${id}`, ...found },
        audiences: [],
        holdsAt: (wallMs) => secret.isUnchanged() && typeof judgedAt(wallMs) !== "string",
      };
    explain(`the bootstrap secret kube-system/${name} matching bearer token ${found}`);
    return undefined;
  };
}

/** The groups, or why the secret lets nobody in. Pure. */
function judge(
  secret: KubeObject,
  { id, secretPart, nowMs }: { readonly id: string; readonly secretPart: string; readonly nowMs: number },
): { readonly groups: readonly string[] } | string {
  const field = (key: string) => Buffer.from(stringOf(objectOf(secret.data)[key]), "base64").toString("utf8");
  if (secret.metadata.deletionTimestamp !== undefined) return "is deleted and awaiting removal";
  if (secret.type !== "bootstrap.kubernetes.io/token")
    return "has invalid type, expected bootstrap.kubernetes.io/token";
  const [kept, shown] = [Buffer.from(field("token-secret")), Buffer.from(secretPart)];
  if (kept.length !== shown.length || !timingSafeEqual(kept, shown))
    return "has invalid value for key token-secret";
  if (field("token-id") !== id) return "has invalid value for key token-id";
  const expiration = field("expiration");
  // What cannot be read has run out.
  if (expiration !== "" && !(Date.parse(expiration) > nowMs)) return "has expired";
  if (field("usage-bootstrap-authentication") !== "true")
    return "not marked usage-bootstrap-authentication=true";
  const extra = field("auth-extra-groups");
  const groups = extra === "" ? [] : extra.split(",");
  const wrong = groups.find((one) => !groupPattern.test(one));
  if (wrong !== undefined) return `has invalid value for key auth-extra-groups: ${JSON.stringify(wrong)}`;
  return { groups: [...new Set([everyonesGroup, ...groups])].sort() };
}
