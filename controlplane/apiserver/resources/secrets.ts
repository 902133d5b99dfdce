import { ownField, setOwnField } from "../../../base/own-field.ts";
import { dns1123Subdomain } from "../../../client/rules/names.ts";
import type { Secret } from "../../../client/types.ts";
import { goJsonError } from "../go-json-error.ts";
import type { FieldError } from "../registry/kind.ts";
import { age, ageColumn, column } from "./cell-text.ts";
import { keepsContent, keepsImmutable, validateKeys } from "./configmaps.ts";
import { immutable, invalid, required, tooLong } from "./field-errors.ts";
import { tlsPairProblem } from "./tls-pair.ts";
import { kindOf } from "./typed-kind.ts";

const contentBytesMax = 1024 * 1024;

export const secrets = kindOf<Secret>({
  group: "",
  version: "v1",
  kind: "Secret",
  plural: "secrets",
  singular: "secret",
  shortNames: [],
  categories: [],
  namespaced: true,
  subresources: {},
  nameRule: dns1123Subdomain,
  hasSpec: false,
  applyDefaults(secret) {
    secret.type ||= "Opaque";
    // Plain text is only a way to write; what is kept and read is base64.
    if (secret.stringData === undefined) return;
    secret.data ??= {};
    for (const [key, value] of Object.entries(secret.stringData))
      setOwnField(secret.data, key, Buffer.from(value).toString("base64"));
    delete secret.stringData;
  },
  validate: (secret, _facts, current) => [
    // Kubernetes looks at what may not change first.
    ...(current === undefined ? [] : changesOf(secret, current)),
    ...validateSecret(secret),
  ],
  warnings: pairWarnings,
  selectableFields: ({ type = "" }) => ({ type }),
  columns: [column("Type"), column("Data"), ageColumn],
  cells: ({ type = "", data = {}, metadata }, nowMs) => [
    type,
    Object.keys(data).length,
    age(metadata.creationTimestamp, nowMs),
  ],
});

/** Keys that a secret of this type must have. */
const wantedKeys: Readonly<Record<string, readonly string[]>> = {
  "kubernetes.io/dockercfg": [".dockercfg"],
  "kubernetes.io/dockerconfigjson": [".dockerconfigjson"],
  "kubernetes.io/ssh-auth": ["ssh-privatekey"],
  "kubernetes.io/tls": ["tls.crt", "tls.key"],
};

function validateSecret({ data = {}, type = "", metadata }: Secret): readonly FieldError[] {
  const problems = validateKeys(Object.keys(data), "data");
  const sizeBytes = Object.values(data).reduce((sum, value) => sum + Buffer.byteLength(value, "base64"), 0);
  if (sizeBytes > contentBytesMax) problems.push(tooLong("data", contentBytesMax));
  const wanted = ownField(wantedKeys, type) ?? [];
  for (const key of wanted) {
    if (!Object.hasOwn(data, key)) problems.push(required(`data[${key}]`));
  }
  if (type === "kubernetes.io/basic-auth" && !("username" in data) && !("password" in data))
    problems.push(required("data[username]"), required("data[password]"));
  const account = "kubernetes.io/service-account.name";
  if (type === "kubernetes.io/service-account-token" && !metadata.annotations?.[account])
    problems.push(required(`metadata.annotations[${account}]`));
  for (const key of [".dockercfg", ".dockerconfigjson"]) {
    const base64 = wanted.includes(key) ? data[key] : undefined;
    const flaw = base64 === undefined ? undefined : goJsonError(Buffer.from(base64, "base64"));
    if (flaw !== undefined) problems.push(invalid(`data[${key}]`, "<secret contents redacted>", flaw));
  }
  return problems;
}

/** Of a certificate and a key that do not go together. */
function pairWarnings({ type, data = {} }: Secret): readonly string[] {
  if (type !== "kubernetes.io/tls") return [];
  const [certificate, key] = ["tls.crt", "tls.key"].map((name) => Buffer.from(data[name] ?? "", "base64"));
  const problem = certificate && key && tlsPairProblem(certificate, key);
  return problem === undefined ? [] : [problem];
}

function changesOf(next: Secret, current: Secret): readonly FieldError[] {
  return [
    ...immutable("type", next.type, current.type),
    ...(current.immutable === true
      ? [...keepsImmutable(next.immutable), ...keepsContent("data", next.data, current.data)]
      : []),
  ];
}
