import { createPrivateKey, createPublicKey, createSecretKey, type KeyObject } from "node:crypto";
import { parseGoDurationMs } from "../../base/os/flags.ts";
import { fitsMethod, isSignMethod, type SignMethodName, signMethods } from "../../base/os/sign-methods.ts";
import type { JwtKeys } from "./jwt-tokens.ts";

/** What --auth-token says. */
export type TokenKind =
  | { readonly kind: "none" }
  | { readonly kind: "simple" }
  | {
      readonly kind: "jwt";
      readonly keys: JwtKeys;
      readonly ttlMs: number;
      /** Options that nobody knows; they are ignored, as etcd does, and told. */
      readonly unknown: readonly string[];
    };

const jwtTtlMs = 300_000;

/** Reads `simple`, `jwt,sign-method=ES256,priv-key=FILE,…`, or nothing. Throws Error with what is wrong. */
export function tokenKind(option: string, readFile: (path: string) => Buffer): TokenKind {
  const [kind, ...parts] = option.split(",");
  const settings = settingsOf(parts);
  if (kind === "") return { kind: "none" };
  if (kind === "simple") return { kind };
  if (kind !== "jwt") throw new Error(`"${kind}" must be simple or jwt`);
  const method = settings.get("sign-method") ?? "";
  if (!isSignMethod(method))
    throw new Error(`sign-method "${method}" must be one of ${Object.keys(signMethods).join(", ")}`);
  const file = (name: string) => {
    const path = settings.get(name) ?? "";
    return path === "" ? undefined : { path, bytes: readFile(path) };
  };
  const ttl = settings.get("ttl") || undefined;
  const ttlMs = ttl === undefined ? jwtTtlMs : parseGoDurationMs(ttl);
  if (ttlMs === undefined) throw new Error(`ttl "${ttl}" must be a duration such as "10m"`);
  const keys = jwtKeys(method, { public: file("pub-key"), private: file("priv-key") });
  return { kind, keys, ttlMs, unknown: [...settings.keys()].filter((name) => !known.has(name)) };
}

const known: ReadonlySet<string> = new Set(["sign-method", "pub-key", "priv-key", "ttl"]);

function settingsOf(parts: readonly string[]): ReadonlyMap<string, string> {
  const settings = new Map<string, string>();
  for (const part of parts) {
    const [name = "", value, ...more] = part.split("=");
    if (value === undefined || more.length > 0) throw new Error(`"${part}" must be NAME=VALUE`);
    if (settings.has(name)) throw new Error(`${name} is given twice`);
    settings.set(name, value);
  }
  return settings;
}

interface KeyFile {
  readonly path: string;
  readonly bytes: Buffer;
}

function jwtKeys(
  method: SignMethodName,
  files: { readonly public: KeyFile | undefined; readonly private: KeyFile | undefined },
): JwtKeys {
  if (signMethods[method].family === "hmac") {
    if (files.private === undefined || files.private.bytes.length === 0)
      throw new Error(`${method} needs priv-key`);
    const key = createSecretKey(files.private.bytes);
    return { method, signing: key, verifying: key };
  }
  const signing = files.private && asymmetricKey(method, "priv-key", files.private);
  const shown = files.public && asymmetricKey(method, "pub-key", files.public);
  const verifying = signing === undefined ? shown : createPublicKey(signing);
  if (verifying === undefined) throw new Error(`${method} needs priv-key or pub-key`);
  if (shown !== undefined && !shown.equals(verifying)) throw new Error("pub-key and priv-key don't match");
  return { method, signing, verifying };
}

function asymmetricKey(method: SignMethodName, name: string, { path, bytes }: KeyFile): KeyObject {
  let key: KeyObject;
  try {
    key = name === "priv-key" ? createPrivateKey(bytes) : createPublicKey(bytes);
  } catch (cause) {
    throw new Error(`${name}: ${path} holds no key in PEM`, { cause });
  }
  if (!fitsMethod(method, key)) throw new Error(`${name}: the key in ${path} is none for ${method}`);
  return key;
}
