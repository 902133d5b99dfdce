import { randomInt } from "node:crypto";
import {
  type BootstrapToken,
  bootstrapTokens,
  parseBootstrapToken,
} from "../../client/rules/bootstrap-token.ts";
import { joining } from "../../client/rules/joining-nodes.ts";
import type { Draft, Secret } from "../../client/types.ts";

const alphabet = "abcdefghijklmnopqrstuvwxyz0123456789";
const randomText = (length: number) =>
  Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join("");

/** 82 bits of secret. */
export const newToken = (): BootstrapToken => ({ id: randomText(6), secret: randomText(16) });

export const tokenText = ({ id, secret }: BootstrapToken): string => `${id}.${secret}`;

export interface TokenTerms {
  readonly endsMs: number;
  readonly description: string;
}

/** The token as the cluster keeps it: for joining, and for nothing else. Pure. */
export function tokenSecret(
  { id, secret }: BootstrapToken,
  { endsMs, description }: TokenTerms,
): Draft<Secret> {
  return {
    metadata: { namespace: bootstrapTokens.namespace, name: `${bootstrapTokens.namePrefix}${id}` },
    type: bootstrapTokens.secretType,
    stringData: {
      "token-id": id,
      "token-secret": secret,
      expiration: new Date(endsMs).toISOString().replace(/\.\d+Z$/, "Z"),
      "usage-bootstrap-authentication": "true",
      "usage-bootstrap-signing": "true",
      "auth-extra-groups": joining.group,
      ...(description !== "" && { description }),
    },
  };
}

/** What may be shown of a token: never its secret. */
export interface ShownToken {
  readonly id: string;
  /** Undefined: it never ends. */
  readonly endsMs: number | undefined;
  readonly usages: readonly string[];
  readonly groups: string;
  readonly description: string;
}

/** Undefined for other secrets. Pure. */
export function shownToken({ type, metadata, data }: Secret): ShownToken | undefined {
  if (type !== bootstrapTokens.secretType || !metadata.name.startsWith(bootstrapTokens.namePrefix))
    return undefined;
  const field = (key: string) => Buffer.from(data?.[key] ?? "", "base64").toString("utf8");
  const expiration = field("expiration");
  const endsMs = expiration === "" ? undefined : Date.parse(expiration);
  return {
    id: metadata.name.slice(bootstrapTokens.namePrefix.length),
    // What cannot be read has run out.
    endsMs: endsMs === undefined || !Number.isNaN(endsMs) ? endsMs : 0,
    usages: ["authentication", "signing"].filter((one) => field(`usage-bootstrap-${one}`) === "true"),
    groups: field("auth-extra-groups"),
    description: field("description"),
  };
}

/** From `ID` or `ID.SECRET`. */
export function idOf(word: string): string | undefined {
  return parseBootstrapToken(word)?.id ?? (/^[a-z0-9]{6}$/.test(word) ? word : undefined);
}
