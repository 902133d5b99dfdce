import type { Stored } from "../object-cache.ts";
import { resources } from "../resources.ts";
import type { Condition, KubeObject, Resource } from "../types.ts";
import { definitionKind } from "./extensions.ts";
import { type Facts, latestEvent } from "./facts.ts";
import { type Finding, finding, type Named, stands, told, wordsOf } from "./finding.ts";

/** Conditions of any kind that are bad when they are not true; others cannot be judged. */
const goodWhenTrue = [
  "Ready",
  "Available",
  "Healthy",
  "Established",
  "Accepted",
  "Programmed",
  "ResolvedRefs",
  "Synced",
  "Succeeded",
  "Complete",
];
const badWhenTrue = ["Failed", "Stalled", "Degraded", "ReplicaFailure"];

/** What an object of a kind that nothing more is known of says of itself. */
export function explainAny(object: KubeObject, facts: Facts): readonly Finding[] {
  const { conditions } = (object.status ?? {}) as { readonly conditions?: unknown };
  const list = Array.isArray(conditions) ? (conditions as readonly Partial<Condition>[]) : [];
  const next = [`kubectl describe ${wordsOf(object)}`];
  const bad = list.filter(
    ({ type = "", status }) =>
      (goodWhenTrue.includes(type) && status === "False") ||
      (badWhenTrue.includes(type) && status === "True"),
  );
  if (bad.length > 0)
    return bad.map(({ type = "", status = "", reason = "", message = "" }) =>
      finding(
        "condition-false",
        object,
        `it says ${type}: ${status}${reason ? `, ${reason}` : ""}${message ? `: ${message}` : ""}`,
        {
          evidence: [stands(object, `status.conditions[${type}]`, `${reason}: ${message}`)],
          next,
        },
      ),
    );
  const warned = [...facts.events(object)].reverse().find(({ type }) => type === "Warning");
  if (warned === undefined || latestEvent(facts.events(object)) === undefined) {
    if (warned === undefined) return [];
  }
  return [
    finding("condition-false", object, `its last warning: ${warned.reason ?? ""}: ${warned.message ?? ""}`, {
      severity: "warning",
      evidence: [told(warned)],
      next,
    }),
  ];
}

const builtIn: Readonly<Record<string, Resource<Stored>>> = Object.fromEntries(
  (Object.values(resources) as readonly Resource<Stored>[]).map((one) => [`${one.group}/${one.kind}`, one]),
);

/** Owners that are not there any more: the garbage collector will take the object with it. */
export function ownerFindings(object: Stored & Named, facts: Facts): readonly Finding[] {
  return (object.metadata.ownerReferences ?? []).flatMap(({ apiVersion, kind, name, uid }) => {
    const [first = "", second] = apiVersion.split("/");
    const [group, version] = second === undefined ? ["", first] : [first, second];
    const resource = builtIn[`${group}/${kind}`];
    if (resource === undefined) return definedOwner(object, { group, version, kind, name }, facts);
    if (resource.version !== version)
      return [
        finding(
          "version-not-served",
          object,
          `its owner is of a version that is not served: ${apiVersion} ${kind}`,
          {
            evidence: [stands(object, "metadata.ownerReferences", `${apiVersion} ${kind} ${name}`)],
            change: [
              `an owner reference to ${group === "" ? resource.version : `${group}/${resource.version}`}`,
            ],
            next: [`kubectl get ${wordsOf(object)} -o yaml`],
            severity: "warning",
          },
        ),
      ];
    const owner = facts.find(resource, { name, namespace: object.metadata.namespace });
    if (owner === undefined || owner?.metadata.uid === uid) return [];
    return [
      finding(
        "owner-gone",
        object,
        `its owner is gone: ${kind} ${name}${owner === null ? "" : " is another one of that name"}`,
        {
          evidence: [stands(object, "metadata.ownerReferences", `${kind} ${name}, uid ${uid}`)],
          change: [
            "nothing: the garbage collector removes it soon, unless somebody takes the owner reference away",
          ],
          next: [`kubectl get ${wordsOf(object)} -w`],
        },
      ),
    ];
  });
}

interface Owner {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly name: string;
}

/** An owner of a kind that is defined, or was. */
function definedOwner(
  object: Stored & Named,
  { group, version, kind, name }: Owner,
  facts: Facts,
): readonly Finding[] {
  if (!group.includes(".") || group.endsWith(".k8s.io")) return [];
  const all = facts.list(definitionKind);
  if (all === undefined) return [];
  const definition = all.find(({ spec }) => spec.group === group && spec.names.kind === kind);
  const isServed = definition?.spec.versions.some((one) => one.name === version && one.served) ?? false;
  if (isServed) return [];
  const cause =
    definition === undefined
      ? `its owner is gone: nobody defines the kind ${kind} of ${group} (any more)`
      : `its owner is of a version that is not served: ${group}/${version} ${kind}`;
  return [
    finding(definition === undefined ? "owner-gone" : "version-not-served", object, cause, {
      severity: "warning",
      evidence: [stands(object, "metadata.ownerReferences", `${group}/${version} ${kind} ${name}`)],
      change: [
        definition === undefined
          ? "the definition of the kind is installed"
          : `the version ${version} is served, or another is named`,
      ],
      next: ["kubectl get crds"],
    }),
  ];
}
