import type { Random } from "../../../base/os/random.ts";
import { listOfObjects, noUnknown, recordOf, textsOf } from "../read-document.ts";
import { aesCbc, aesGcm, type NamedKey } from "./ciphers.ts";
import { resourceProblems } from "./resource-rules.ts";
import { type Provider, plainValues, type Transformer, transformer } from "./transformer.ts";

interface Reading {
  readonly random: Random;
  readonly problems: string[];
}

/** Which transformer a resource has; its name is `secrets` or `deployments.apps`. */
export type Transformers = (resource: string) => Transformer;

export const noEncryption: Transformers = () => plainValues;

/** Reads an EncryptionConfiguration, parsed from YAML or JSON, in Kubernetes' words. Each thing that is wrong is added to
 *  `problems`; what it says holds only where there are none. */
export function readEncryption(document: unknown, random: Random, problems: string[]): Transformers {
  const reading: Reading = { random, problems };
  const { apiVersion, kind, resources, ...rest } = recordOf(document, "the file", problems);
  if (kind !== "EncryptionConfiguration" || apiVersion !== "apiserver.config.k8s.io/v1")
    problems.push(`${apiVersion}, ${kind}: not an EncryptionConfiguration of apiserver.config.k8s.io/v1`);
  noUnknown(rest, "", problems);
  const entries = listOfObjects(resources, "resources", problems);
  if (entries.length === 0) problems.push("resources: Required value: at least one resources is required");
  const byResource = new Map<string, Provider[]>();
  entries.forEach((entry, index) => {
    const at = `resources[${index}]`;
    const { resources: names, providers, ...unknown } = entry;
    noUnknown(unknown, `${at}.`, problems);
    const given = textsOf(names, `${at}.resources`, problems);
    problems.push(...resourceProblems(given, `${at}.resources`));
    const read = readProviders(providers, `${at}.providers`, reading);
    for (const name of given) {
      const masked = [groupWildcard(name), "*.*"].find((earlier) => byResource.has(earlier));
      if (masked !== undefined) problems.push(`resource "${name}" is masked by earlier rule "${masked}"`);
      byResource.set(name, [...(byResource.get(name) ?? []), ...read]);
    }
  });
  const transformers = new Map([...byResource].map(([name, providers]) => [name, transformer(providers)]));
  return (resource) =>
    transformers.get(resource) ??
    transformers.get(groupWildcard(resource)) ??
    transformers.get("*.*") ??
    plainValues;
}

/** `*.apps`; `*.` for the core group. */
function groupWildcard(resource: string): string {
  const dot = resource.indexOf(".");
  return `*.${dot < 0 ? "" : resource.slice(dot + 1)}`;
}

function readProviders(given: unknown, at: string, reading: Reading): readonly Provider[] {
  const { problems } = reading;
  const all = listOfObjects(given, at, problems);
  if (all.length === 0) problems.push(`${at}: Required value: at least one ${at} is required`);
  return all.flatMap((row, index): Provider[] => {
    const path = `${at}[${index}]`;
    const named = Object.entries(row).filter(([, value]) => value !== undefined && value !== null);
    const [first] = named;
    if (first === undefined)
      problems.push(
        `${path}: provider does not contain any of the expected providers: KMS, AESGCM, AESCBC, Secretbox, Identity`,
      );
    if (named.length > 1)
      problems.push(
        `${path}: more than one provider specified in a single element, should split into different list elements`,
      );
    return first === undefined ? [] : readProvider(first, path, reading);
  });
}

function readProvider([name, value]: readonly [string, unknown], path: string, reading: Reading): Provider[] {
  switch (name) {
    case "identity":
      return [{ kind: "identity" }];
    case "aesgcm":
    case "aescbc": {
      const make = name === "aesgcm" ? aesGcm : aesCbc;
      const keys = readKeys(value, `${path}.${name}`, reading).map((key) => make(key, reading.random));
      const noKey = "no matching key was found for the provided AES transformer";
      return [{ kind: "cipher", prefix: `k8s:enc:${name}:v1:`, keys, noKey }];
    }
    case "kms":
      reading.problems.push(`${path}.kms: key management services are not supported here`);
      return [];
    case "secretbox":
      reading.problems.push(`${path}.secretbox: XSalsa20 is not supported here; use aesgcm`);
      return [];
    default:
      reading.problems.push(`${path}.${name}: unknown field`);
      return [];
  }
}

const keyBytes = [16, 24, 32];

function readKeys(given: unknown, at: string, { problems }: Reading): readonly NamedKey[] {
  const { keys, ...rest } = recordOf(given, at, problems);
  noUnknown(rest, `${at}.`, problems);
  const all = listOfObjects(keys, `${at}.keys`, problems);
  if (all.length === 0) problems.push(`${at}.keys: Required value: at least one keys is required`);
  return all.flatMap(({ name, secret, ...unknown }, index) => {
    const path = `${at}.keys[${index}]`;
    noUnknown(unknown, `${path}.`, problems);
    if (typeof name !== "string" || name === "")
      problems.push(`${path}.name: Required value: name is a mandatory field for a key`);
    if (typeof secret !== "string" || secret === "") {
      problems.push(`${path}.secret: Required value: secret is a mandatory field for a key`);
      return [];
    }
    const bytes = Buffer.from(secret, "base64");
    const refuse = (why: string) => {
      problems.push(`${path}.secret: Invalid value: "REDACTED": ${why}`);
      return [];
    };
    if (bytes.toString("base64") !== secret.replaceAll(/\s/g, ""))
      return refuse("secrets must be base64 encoded");
    if (!keyBytes.includes(bytes.length))
      return refuse(
        `secret is not of the expected length, got ${bytes.length}, expected one of [${keyBytes.join(" ")}]`,
      );
    return [{ name: String(name), secret: bytes }];
  });
}
