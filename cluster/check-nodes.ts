import { shown } from "../base/shown.ts";

type Fields = Readonly<Record<string, unknown>>;

/** What the parts of a cluster are called: a node of that name could not be told from them. */
const parts: readonly unknown[] = ["store", "apiserver", "scheduler", "controller-manager", "nodes"];

const isText = (value: unknown) => typeof value === "string";
const isObject = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isTaint = (value: unknown) =>
  isText(value) ||
  (isObject(value) &&
    isText(value.key) &&
    isText(value.effect) &&
    (value.value === undefined || isText(value.value)));

const shapes: Readonly<Record<string, readonly [(value: unknown) => boolean, string]>> = {
  name: [isText, "must be a text"],
  zone: [isText, "must be a text"],
  region: [isText, "must be a text"],
  labels: [(value) => isObject(value) && Object.values(value).every(isText), "must be an object of texts"],
  taints: [
    (value) => Array.isArray(value) && value.every(isTaint),
    'must be a list such as ["gpu=true:NoSchedule"], or of objects with the texts key, effect and value',
  ],
  capacity: [isObject, "must be an object such as { cpu: 4 }"],
  allocatable: [isObject, "must be an object such as { cpu: 4 }"],
};

/** What is wrong with the form of a node's options, one a line. What each value may say is another matter. Pure.
 *  @param at What the node is called in errors. */
export function nodeShapeProblems(options: unknown, at: string): readonly string[] {
  if (!isObject(options)) return [`${at}: ${shown(options)} must be an object such as { name: "gpu" }`];
  const problems: string[] = [];
  for (const [field, [isFine, rule]] of Object.entries(shapes)) {
    const value = options[field];
    if (value !== undefined && !isFine(value)) problems.push(`${at}.${field}: ${shown(value)} ${rule}`);
  }
  if (parts.includes(options.name))
    problems.push(`${at}.name: ${shown(options.name)} is the name of a part of the cluster`);
  return problems;
}
