import { parseAllDocuments } from "yaml";
import { UsageError } from "../../base/os/flags.ts";

/** What happens to a simulated object, in this order. A pod fails or completes only where a stage says so; pods of Jobs
 *  complete anyway. */
export const steps = {
  "node-initialize": "Node",
  "pod-create": "Pod",
  "pod-init-complete": "Pod",
  "pod-ready": "Pod",
  "pod-fail": "Pod",
  "pod-complete": "Pod",
  "pod-delete": "Pod",
} as const;

export type Step = keyof typeof steps;

/** How long a step takes for the objects that it selects. */
export interface Stage {
  readonly step: Step;
  /** Only for pods that a Job made. */
  readonly ofJobs?: true;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly delayMs: number;
  /** The longest that it takes; no less than `delayMs`. */
  readonly mostMs: number;
}

interface Selected {
  readonly uid: string;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  readonly ownerReferences?: readonly { readonly kind: string }[] | undefined;
}

const atOnce = { labels: {}, annotations: {}, delayMs: 0, mostMs: 0 };

/** What holds where no other stage does. */
export const defaultStages: readonly Stage[] = [
  { ...atOnce, step: "node-initialize" },
  { ...atOnce, step: "pod-create" },
  { ...atOnce, step: "pod-init-complete" },
  { ...atOnce, step: "pod-ready" },
  { ...atOnce, step: "pod-complete", ofJobs: true },
  { ...atOnce, step: "pod-delete" },
];

/** The delay of a step for an object by the first stage that selects it; undefined: no stage does. The same for the same uid. */
export function delayOf(
  stages: readonly Stage[],
  step: Step,
  { uid, labels = {}, annotations = {}, ownerReferences = [] }: Selected,
): number | undefined {
  const stage = stages.find(
    (one) =>
      one.step === step &&
      holds(one.labels, labels) &&
      holds(one.annotations, annotations) &&
      (one.ofJobs === undefined || ownerReferences.some(({ kind }) => kind === "Job")),
  );
  if (stage === undefined) return undefined;
  const share = hash(`${step}/${uid}`) / 2 ** 32;
  return stage.delayMs + Math.floor(share * (stage.mostMs - stage.delayMs));
}

const holds = (wanted: Readonly<Record<string, string>>, found: Readonly<Record<string, string>>): boolean =>
  Object.entries(wanted).every(([key, value]) => found[key] === value);

/** FNV-1a: spreads what differs in a character. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  return value >>> 0;
}

/** Reads YAML documents of kind Stage, as kwok's (kwok.x-k8s.io/v1alpha1): which step (`metadata.name`, such as `pod-ready` or
 *  `pod-ready.slow`), of what, and how long. What a step does is not the file's to say: what kwok has beyond this is refused.
 *  Throws UsageError with every problem, one a line. */
export function parseStages(text: string, file: string): Stage[] {
  const problems: string[] = [];
  const stages = parseAllDocuments(text).flatMap((document, at) => {
    const tell = (path: string, rule: string) => problems.push(`${file}: document ${at + 1}: ${path}${rule}`);
    const [error] = document.errors;
    if (error !== undefined) {
      tell("", error.message.split("\n")[0] ?? "is no YAML");
      return [];
    }
    const read: unknown = document.toJS();
    return read === null ? [] : [stageOf(read, tell)];
  });
  if (problems.length > 0) throw new UsageError(problems.join("\n"));
  return stages;
}

type Tell = (path: string, rule: string) => void;

function stageOf(document: unknown, tell: Tell): Stage {
  const { apiVersion, kind, metadata, spec } = fieldsOf(document, "", tell, [
    "apiVersion",
    "kind",
    "metadata",
    "spec",
  ]);
  if (kind !== "Stage") tell("kind", `: ${JSON.stringify(kind)} must be Stage`);
  if (apiVersion !== "kwok.x-k8s.io/v1alpha1")
    tell("apiVersion", `: ${JSON.stringify(apiVersion)} must be kwok.x-k8s.io/v1alpha1`);
  const { name } = fieldsOf(metadata, "metadata", tell, ["name"]);
  const step = Object.keys(steps).find((one) => name === one || String(name).startsWith(`${one}.`));
  if (step === undefined)
    tell(
      "metadata.name",
      `: ${JSON.stringify(name)} must be one of ${Object.keys(steps).join(", ")}; after it may stand a dot and anything`,
    );
  const known = (step ?? "pod-ready") as Step;
  const { resourceRef, selector, delay } = fieldsOf(spec, "spec", tell, ["resourceRef", "selector", "delay"]);
  checkTarget(resourceRef, known, tell);
  const { matchLabels, matchAnnotations } = fieldsOf(selector ?? {}, "spec.selector", tell, [
    "matchLabels",
    "matchAnnotations",
  ]);
  return {
    step: known,
    labels: textsOf(matchLabels, "spec.selector.matchLabels", tell),
    annotations: textsOf(matchAnnotations, "spec.selector.matchAnnotations", tell),
    ...delaysOf(delay, tell),
  };
}

function checkTarget(resourceRef: unknown, step: Step, tell: Tell): void {
  const { apiGroup, kind } = fieldsOf(resourceRef, "spec.resourceRef", tell, ["apiGroup", "kind"]);
  if (apiGroup !== "v1") tell("spec.resourceRef.apiGroup", `: ${JSON.stringify(apiGroup)} must be v1`);
  if (kind !== steps[step])
    tell("spec.resourceRef.kind", `: ${JSON.stringify(kind)} must be ${steps[step]} for ${step}`);
}

/** As kwok's: `jitterDurationMilliseconds` is the longest delay, not what is added to it. */
function delaysOf(delay: unknown, tell: Tell): Pick<Stage, "delayMs" | "mostMs"> {
  const fields = ["durationMilliseconds", "jitterDurationMilliseconds"];
  const { durationMilliseconds = 0, jitterDurationMilliseconds } = fieldsOf(
    delay ?? {},
    "spec.delay",
    tell,
    fields,
  );
  const delayMs = wholeOf(durationMilliseconds, "spec.delay.durationMilliseconds", tell);
  if (jitterDurationMilliseconds === undefined) return { delayMs, mostMs: delayMs };
  const mostMs = wholeOf(jitterDurationMilliseconds, "spec.delay.jitterDurationMilliseconds", tell);
  if (mostMs < delayMs)
    tell("spec.delay.jitterDurationMilliseconds", `: ${mostMs} must not be less than durationMilliseconds`);
  return { delayMs, mostMs };
}

function wholeOf(value: unknown, path: string, tell: Tell): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  tell(path, `: ${JSON.stringify(value)} must be a whole number of milliseconds`);
  return 0;
}

/** An object's fields; those that are not known are told. */
function fieldsOf(
  value: unknown,
  path: string,
  tell: Tell,
  known: readonly string[],
): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    tell(path || "it", `: ${JSON.stringify(value)} must be an object`);
    return {};
  }
  for (const name of Object.keys(value))
    if (!known.includes(name))
      tell(path ? `${path}.${name}` : name, " is not supported; what a step does is built in");
  return value as Record<string, unknown>;
}

function textsOf(value: unknown, path: string, tell: Tell): Record<string, string> {
  if (value === undefined) return {};
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    tell(path, `: ${JSON.stringify(value)} must be an object of texts`);
    return {};
  }
  for (const [key, one] of Object.entries(value))
    if (typeof one !== "string") tell(`${path}.${key}`, `: ${JSON.stringify(one)} must be a text`);
  return value as Record<string, string>;
}
