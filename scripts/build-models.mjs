// Writes client/models.ts: the types of Kubernetes' objects as they stand in JSON, with what each field means, out of the schema that
// build-schema.mjs makes (npm run build first).
//   npm run models             # write it
//   npm run models -- --check  # exit 1 if it is not what the schema says
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gunzipSync } from "node:zlib";

const root = join(import.meta.dirname, "..");
const file = join(root, "client/models.ts");
const columns = 128;

/** Where several messages have one name, the one that has it; the others go by their full names. */
const chosen = {
  ControllerRevision: "V1ControllerRevision",
  CrossVersionObjectReference: "V2CrossVersionObjectReference",
  EndpointPort: "CoreV1EndpointPort",
  Event: "CoreV1Event",
  EventSeries: "CoreV1EventSeries",
  HorizontalPodAutoscaler: "V2HorizontalPodAutoscaler",
  HorizontalPodAutoscalerSpec: "V2HorizontalPodAutoscalerSpec",
  HorizontalPodAutoscalerStatus: "V2HorizontalPodAutoscalerStatus",
  ResourceClaim: "ResourceV1ResourceClaim",
  ServiceReference: "AdmissionregistrationV1ServiceReference",
  Subject: "RbacV1Subject",
  TokenRequest: "AuthenticationV1TokenRequest",
  WebhookClientConfig: "AdmissionregistrationV1WebhookClientConfig",
};

/** Versions that are not stable, of which something is used nevertheless. */
const unstable = [
  "certificates.k8s.io/v1beta1/ClusterTrustBundle",
  "metrics.k8s.io/v1beta1/NodeMetrics",
  "metrics.k8s.io/v1beta1/PodMetrics",
];

/** Kinds that make no sense without a spec. */
const specAlways = new Set(
  (
    "APIService CronJob CustomResourceDefinition DaemonSet Deployment DeviceClass FlowSchema " +
    "HorizontalPodAutoscaler Ingress Job LocalSubjectAccessReview NetworkPolicy PersistentVolume " +
    "PersistentVolumeClaim Pod PodDisruptionBudget PriorityLevelConfiguration ReplicaSet " +
    "ReplicationController ResourceClaim ResourceClaimTemplate ResourceQuota ResourceSlice " +
    "SelfSubjectAccessReview SelfSubjectRulesReview Service StatefulSet SubjectAccessReview " +
    "TokenReview"
  ).split(" "),
);

const whole = {
  apiVersion: "`v1`, or with its group `apps/v1`.",
  kind: "What kind of object it is.",
  metadata: "Its name, labels, owners and what else every object has.",
};

const scalars = {
  string: "string",
  boolean: "boolean",
  integer: "number",
  number: "number",
  bytes: "string",
  time: "string",
  microtime: "string",
  quantity: "string",
  intOrString: "number | string",
  any: "unknown",
  json: "unknown",
  duration: "string",
  schemaOrList: "JSONSchemaProps | JSONSchemaProps[]",
  schemaOrBool: "JSONSchemaProps | boolean",
  schemaOrStrings: "JSONSchemaProps | string[]",
};

/** The file's text. */
export function modelsText() {
  const read = (name) => JSON.parse(gunzipSync(readFileSync(join(root, `dist/${name}.json.gz`))));
  const { types, kinds } = read("schema");
  const docs = read("schema-docs");
  const tops = new Map();
  for (const [served, name] of Object.entries(kinds)) {
    const stable = /(^|\/)v\d+\/\w+$/.test(served) || served.startsWith("*/");
    if (!served.endsWith("List") && (stable || unstable.includes(served))) tops.set(name, served);
  }
  const used = new Set(tops.keys());
  for (const name of used)
    for (const { t } of Object.values(types[name].fields)) if (types[t] !== undefined) used.add(t);
  const names = namesOf([...used], types);
  const objects = new Set(
    [...tops.keys()].filter((name) => types[name].fields.metadata?.t === "V1ObjectMeta"),
  );
  const out = [
    "// Made by `npm run models` of Kubernetes' schema; do not edit.",
    'import type { Draft, Meta } from "./types.ts";',
  ];
  for (const name of [...used].sort((a, b) => (names.get(a) < names.get(b) ? -1 : 1))) {
    const { fields } = types[name];
    const isObject = objects.has(name);
    const opening = isObject ? `export type ${names.get(name)} = {` : `export interface ${names.get(name)} {`;
    out.push("", ...comment(docs[name]?.[""], ""), opening);
    for (const [field, row] of Object.entries(fields)) {
      const said = (isObject ? whole[field] : undefined) ?? docs[name]?.[field];
      out.push(...comment(said, "  "));
      const key = /^[A-Za-z_$][\w$]*$/.test(field) ? field : JSON.stringify(field);
      const isAlways = whole[field] !== undefined || (field === "spec" && specAlways.has(names.get(name)));
      const needed = row.r || (isObject && isAlways);
      const type = isObject && field === "metadata" ? "Meta" : typeOf(row, names, objects);
      out.push(`  ${key}${needed ? "" : "?"}: ${type};`);
    }
    out.push(isObject ? "};" : "}");
  }
  return `${out.join("\n")}\n`;
}

/** Message -> the name that it goes by here. */
function namesOf(used, types) {
  const byShort = new Map();
  for (const name of used) byShort.set(types[name].k, [...(byShort.get(types[name].k) ?? []), name]);
  const names = new Map();
  for (const [short, all] of byShort)
    for (const name of all) {
      const first = chosen[short] ?? (all.length === 1 ? name : undefined);
      names.set(name, name === first ? short : name);
    }
  return names;
}

/** An object within another is one that is yet to be made. */
function typeOf({ t, c }, names, objects) {
  const named = names.get(t);
  const one = named === undefined ? scalars[t] : objects.has(t) ? `Draft<${named}>` : named;
  if (one === undefined) throw new Error(`no type for ${t}`);
  const many = one.includes("|") ? `(${one})` : one;
  if (c === "list") return `${many}[]`;
  if (c === "map") return `{ [key: string]: ${one} }`;
  if (c === "mapOfLists") return `{ [key: string]: ${many}[] }`;
  return one;
}

function comment(text, indent) {
  const lines = wrapped((text ?? "").replaceAll("*/", "*\\/").trim(), columns - indent.length - 4);
  if (lines.length === 0) return [];
  if (lines.length === 1) return [`${indent}/** ${lines[0]} */`];
  return lines.map((line, n) => {
    const start = n === 0 ? "/** " : " *  ";
    return `${indent}${start}${line}`.trimEnd() + (n === lines.length - 1 ? " */" : "");
  });
}

function wrapped(text, width) {
  if (text === "") return [];
  return text.split("\n").flatMap((paragraph) => {
    const lines = [""];
    for (const word of paragraph.trim().split(/\s+/)) {
      const at = lines.length - 1;
      if (lines[at] === "") lines[at] = word;
      else if (lines[at].length + 1 + word.length <= width - 3) lines[at] += ` ${word}`;
      else lines.push(word);
    }
    return lines;
  });
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const text = modelsText();
  if (!process.argv.includes("--check")) writeFileSync(file, text);
  else if (readFileSync(file, "utf8") !== text) {
    console.error("client/models.ts is not what the schema says: npm run models");
    process.exit(1);
  }
}
