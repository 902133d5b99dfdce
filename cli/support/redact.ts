import type { KubeObject } from "../../client/types.ts";

/** Takes secrets out of what leaves the cluster. What is not known to be harmless goes: rather too much than too little. Pure. */

const gone = "(redacted)";

const size = (value: unknown): string =>
  `(redacted, ${typeof value === "string" ? value.length : 0} characters)`;

/** Names of fields, variables and flags whose values are secrets. Names of Secrets, and where they are mounted, are none. */
const secretName =
  /(?:pass(?:word|wd|phrase|code)?|pwd|secret|token|credential|api[-_.]?key|access[-_.]?key|private[-_.]?key|auth(?:orization)?|bearer|cookie|session|signature|dsn|connection[-_.]?string)s?$/i;

/** Fields that are called so, and hold names or shapes. */
const harmless = new Set([
  "automountServiceAccountToken",
  "secretName",
  "secretRef",
  "serviceAccountToken",
  "tokenExpirationSeconds",
  "imagePullSecrets",
  "secret",
  "secrets",
]);

const texts: readonly (readonly [RegExp, string])[] = [
  [
    /-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|$)/g,
    "(redacted private key)",
  ],
  // Tokens of service accounts, of OIDC and of bootstrapping, as they stand anywhere.
  [/\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?/g, "(redacted token)"],
  [/\b[a-z0-9]{6}\.[a-z0-9]{16}\b/g, "(redacted token)"],
  [/\b(Bearer|Basic)\s+[\w.~+/=-]{6,}/gi, `$1 ${gone}`],
  [/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@"']*:[^\s/@"']*@/gi, `$1${gone}@`],
  [/\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bgh[pousr]_[A-Za-z0-9]{20,}\b|\bxox[abpr]-[\w-]{10,}/g, gone],
  [
    /(["']?[\w.-]*(?:pass(?:word|wd|phrase)?|pwd|secret|token|credentials?|api[-_]?key|access[-_]?key|private[-_]?key|authorization)["']?\s*[=:]\s*)(?:"[^"]*"|'[^']*'|[^\s,;&"'}]+)/gi,
    `$1${gone}`,
  ],
  [/(--?[\w-]*(?:pass(?:word|wd|phrase)?|secret|token|api-?key|credentials?)\s+)[^\s-]\S*/gi, `$1${gone}`],
];

/** Text of logs, messages and commands. */
export const redactText = (text: string): string =>
  texts.reduce((left, [pattern, to]) => left.replace(pattern, to), text);

const depthMax = 60;

/** An object without what only its owners are to know. */
export function redactObject(object: KubeObject): KubeObject {
  const { metadata, ...rest } = object;
  const { managedFields: _, annotations, ...meta } = metadata;
  const body = withoutData(object.kind, rest);
  return {
    ...(redactValue(body, "", 0) as KubeObject),
    metadata: {
      ...(redactValue(meta, "", 0) as KubeObject["metadata"]),
      ...(annotations && { annotations: redactAnnotations(annotations) }),
    },
  };
}

/** kubectl keeps the whole manifest in one, and others keep what they like. */
const plainAnnotations =
  /^(?:deployment\.kubernetes\.io|kubernetes\.io|k8s\.io|pintle\.dev|node\.alpha\.kubernetes\.io|volume\.kubernetes\.io|pv\.kubernetes\.io|control-plane\.alpha\.kubernetes\.io)\//;

const redactAnnotations = (annotations: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(annotations).map(([key, value]) => [
      key,
      plainAnnotations.test(key) && !key.includes("last-applied") ? redactText(value) : size(value),
    ]),
  );

/** Of Secrets and ConfigMaps the names of their keys. */
function withoutData(
  kind: string,
  rest: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  if (kind !== "Secret" && kind !== "ConfigMap") return rest;
  const hidden = (data: unknown) =>
    typeof data === "object" && data !== null
      ? Object.fromEntries(Object.entries(data).map(([key, value]) => [key, size(value)]))
      : data;
  return Object.fromEntries(
    Object.entries(rest).map(([key, value]) => [
      key,
      ["data", "stringData", "binaryData"].includes(key) ? hidden(value) : value,
    ]),
  );
}

function redactValue(value: unknown, name: string, depth: number): unknown {
  if (depth > depthMax) return gone;
  if (typeof value === "string")
    return !harmless.has(name) && secretName.test(name) ? size(value) : redactText(value);
  if (Array.isArray(value)) {
    if (name === "env") return value.map((one) => redactVariable(one, depth + 1));
    if ((name === "command" || name === "args") && value.every((one) => typeof one === "string"))
      return redactWords(value);
    return value.map((one) => redactValue(one, name, depth + 1));
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [redactText(key), redactValue(inner, key, depth + 1)]),
  );
}

/** A value of an environment may be anything: only where it comes from is told. */
function redactVariable(variable: unknown, depth: number): unknown {
  if (typeof variable !== "object" || variable === null) return gone;
  const { value, ...rest } = variable as { readonly value?: unknown };
  return { ...(redactValue(rest, "", depth) as object), ...(value !== undefined && { value: size(value) }) };
}

/** `--password secret` as two words, too. */
const redactWords = (words: readonly string[]): readonly string[] =>
  words.map((word, at) => {
    const before = words[at - 1] ?? "";
    return /^--?[\w-]+$/.test(before) && secretName.test(before) && !word.startsWith("-")
      ? gone
      : redactText(word);
  });
