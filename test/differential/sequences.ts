import { below, chance, type Random } from "../../base/os/random.ts";
import type { Step } from "../../controlplane/apiserver/recorded-answers.ts";
import type { Kind } from "../../controlplane/apiserver/registry/kind.ts";
import { isStored } from "../../controlplane/apiserver/registry/kind-table.ts";
import { kinds } from "../../controlplane/apiserver/resources/table.ts";
import { good } from "../../controlplane/apiserver/resources/testing/good-objects.ts";
import { pick, spoiled } from "./spoil.ts";

type Json = Record<string, unknown>;

/** Kinds whose objects change how the server answers others: they are only made for show. */
const effective = new Set([
  "APIService",
  "CustomResourceDefinition",
  "FlowSchema",
  "MutatingAdmissionPolicy",
  "MutatingAdmissionPolicyBinding",
  "MutatingWebhookConfiguration",
  "Namespace",
  "PriorityLevelConfiguration",
  "ServiceCIDR",
  "ValidatingAdmissionPolicy",
  "ValidatingAdmissionPolicyBinding",
  "ValidatingWebhookConfiguration",
]);

export const triedKinds = kinds.filter(
  (kind) => isStored(kind) && kind.hidesOwnForm !== true && good[kind.kind] !== undefined,
);

export function collectionOf({ group, version, namespaced, plural }: Kind): string {
  const base = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
  return `${base}/${namespaced ? "namespaces/{ns}/" : ""}${plural}`;
}

/** What one client asks about one object, from its making to its end. `{ns}` stands for a namespace of its own. */
export function sequenceOf(random: Random, kind: Kind, stepsMost: number): readonly Step[] {
  const collection = collectionOf(kind);
  const fields = good[kind.kind] as Json;
  const metadata = fields.metadata as Json | undefined;
  const name = String(metadata?.name ?? "{ns}");
  const object: Json = {
    apiVersion: kind.group === "" ? kind.version : `${kind.group}/${kind.version}`,
    kind: kind.kind,
    ...structuredClone(fields),
    metadata: { ...metadata, name, labels: { of: "{ns}" } },
  };
  const asked: Asked = { kind, collection, one: `${collection}/${name}`, name, object };
  if (effective.has(kind.kind))
    return [0, 1, 2].map(() => ({
      ask: `POST ${collection}?dryRun=All${pick(random, ["", "&fieldValidation=Strict", "&fieldValidation=Warn"])}`,
      body: spoiled(random, object),
    }));
  return [
    ...(chance(random, 0.7) ? [creation(random, asked)] : []),
    { ask: `POST ${collection}`, body: object },
    ...Array.from({ length: 1 + below(random, stepsMost) }, () => pick(random, menu)(random, asked)),
    { ask: `DELETE ${asked.one}?gracePeriodSeconds=0` },
  ];
}

interface Asked {
  readonly kind: Kind;
  readonly collection: string;
  readonly one: string;
  readonly name: string;
  readonly object: Json;
}

const creation = (random: Random, { collection, object }: Asked): Step => ({
  ask: `POST ${collection}${writeOptions(random)}`,
  body: spoiled(random, object),
});

const writeOptions = (random: Random) =>
  pick(random, [
    ...["", "", "?fieldValidation=Strict", "?fieldValidation=Warn", "?fieldValidation=Ignore", "?dryRun=All"],
    ...["?dryRun=x", "?fieldValidation=x", "?fieldManager=a/b%00", `?fieldManager=${"m".repeat(129)}`],
  ]);

type Making = (random: Random, asked: Asked) => Step;

const menu: readonly Making[] = [
  creation,
  (random, { one, object }) => ({ ask: `PUT ${one}${writeOptions(random)}`, body: spoiled(random, object) }),
  (_, { one, object }) => ({ ask: `PUT ${one}`, body: object }),
  (_, { one }) => ({ ask: `GET ${one}` }),
  (random, { collection }) => ({
    ask: `GET ${collection}?labelSelector=of%3D{ns}&${pick(random, listOptions)}`,
  }),
  (random, { one, object }) => ({ ask: `MERGE ${one}${writeOptions(random)}`, body: partOf(random, object) }),
  (random, { one, object }) => ({
    ask: `STRATEGIC ${one}${writeOptions(random)}`,
    body: partOf(random, object),
  }),
  (random, { one }) => ({ ask: `JSON ${one}`, body: pick(random, jsonPatches) }),
  (random, { one, object }) => ({
    ask: `APPLY ${one}${pick(random, ["?fieldManager=a", "?fieldManager=b&force=true", "", "?fieldManager=b"])}`,
    body: chance(random, 0.5) ? spoiled(random, object) : object,
  }),
  (random, { one, object }) => ({
    ask: `${pick(random, ["PUT", "MERGE"])} ${one}/${pick(random, ["status", "scale", "none"])}`,
    body: spoiled(random, { ...object, status: { phase: "x", conditions: [{ type: "A", status: "True" }] } }),
  }),
  (random, { one }) => ({ ask: `GET ${one}/${pick(random, ["status", "scale", "none"])}` }),
  (random, { one }) => ({
    ask: `DELETE ${one}?dryRun=All&${pick(random, ["propagationPolicy=Foreground", "propagationPolicy=x", "gracePeriodSeconds=x", "gracePeriodSeconds=-1", "orphanDependents=true&propagationPolicy=Orphan"])}`,
  }),
  (random, { one }) => ({ ask: `DELETE ${one}?dryRun=All`, body: pick(random, deleteOptions) }),
  (random, { one, collection }) => ({
    ask: pick(random, [`POST ${one}`, `PUT ${collection}`, `MERGE ${collection}`, `GET ${one}/a/b`]),
    body: {},
  }),
  (random, { one, collection }) => ({
    ask: pick(random, [`POST ${collection}`, `PUT ${one}`, `MERGE ${one}`, `APPLY ${one}?fieldManager=a`]),
    body: pick(random, badBodies),
  }),
  (random, { one }) => ({
    ask: `PATCH ${one}`,
    type: pick(random, ["text/plain", "application/json", ""]),
    body: "{}",
  }),
];

const listOptions = [
  ...[
    "limit=1",
    "limit=-1",
    "limit=x",
    "resourceVersion=abc",
    "resourceVersion=0",
    "continue=abc",
    "resourceVersion=-1",
  ],
  ...[
    "fieldSelector=metadata.name%3D{ns}",
    "fieldSelector=spec.none%3Dx",
    "fieldSelector=a",
    "fieldSelector=metadata.name!%3D{ns}",
  ],
  ...["labelSelector=a%3D%3D%3Db", "labelSelector=a+in+(", "labelSelector=!of", "resourceVersionMatch=Exact"],
  ...["resourceVersionMatch=x&resourceVersion=1", "sendInitialEvents=true", "timeoutSeconds=x", "pretty=x"],
];

const deleteOptions: readonly Json[] = [
  { preconditions: { uid: "other" } },
  { preconditions: { resourceVersion: "1" } },
  { propagationPolicy: "x" },
  { kind: "Pod", apiVersion: "v1" },
  { gracePeriodSeconds: "x" },
  { dryRun: ["x"] },
  { kind: "DeleteOptions", apiVersion: "v1", propagationPolicy: "Orphan" },
];

const jsonPatches: readonly unknown[] = [
  [{ op: "add", path: "/metadata/annotations", value: { a: "b" } }],
  [{ op: "replace", path: "/metadata/none/deep", value: 1 }],
  [{ op: "remove", path: "/metadata/labels/of" }],
  [{ op: "test", path: "/metadata/name", value: "other" }],
  [{ op: "x", path: "/a" }],
  [{ op: "add", path: "no-slash", value: 1 }],
  [{ op: "copy", from: "/metadata/labels", path: "/metadata/annotations" }],
  [{ op: "replace", path: "/metadata/uid", value: "x" }],
  {},
  "{",
];

const badBodies = [
  "",
  "{",
  "[]",
  "null",
  "1",
  '"x"',
  "{}",
  '{"kind":"Pod"}',
  '{"metadata":[]}',
  '{"metadata":{"name":7}}',
  "a: b",
];

/** One or two of an object's fields, perhaps odd; and now and then what a patch alone has. */
function partOf(random: Random, object: Json): unknown {
  const rest = spoiled(random, { spec: object.spec, data: object.data, metadata: { labels: { more: "1" } } });
  const directive = {
    metadata: {
      annotations: { a: null, b: "c" },
      finalizers: pick<unknown>(random, [null, ["x"], ["example.com/f"]]),
    },
  };
  return pick<unknown>(random, [
    rest,
    rest,
    { ...object, ...rest },
    directive,
    { $patch: "x" },
    { metadata: { name: "other" } },
    "{",
  ]);
}
