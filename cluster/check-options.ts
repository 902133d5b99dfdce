import { behaviourProblems } from "../agent/simulate/check-behaviours.ts";
import { steps } from "../agent/simulate/stages.ts";
import { wallMsLeast, wallMsMost } from "../base/os/movable-clock.ts";
import { shown } from "../base/shown.ts";

const known: readonly string[] = [
  "nodes",
  "folder",
  "pods",
  "stages",
  "replicas",
  "clock",
  "startAt",
  "seed",
  "log",
];
const replicasMost = 9;
const stageFields: readonly string[] = ["step", "ofJobs", "labels", "annotations", "delayMs", "mostMs"];

type Fields = Readonly<Record<string, unknown>>;
type Check = (isFine: boolean, field: string, value: unknown, rule: string) => void;

const isObject = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isTexts = (value: unknown): boolean =>
  isObject(value) && Object.values(value).every((one) => typeof one === "string");
const isWhole = (value: unknown, least: number, most = Number.MAX_SAFE_INTEGER): value is number =>
  Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most;
const isTime = (value: unknown): boolean =>
  value instanceof Date && value.getTime() >= wallMsLeast && value.getTime() <= wallMsMost;

/** What is wrong with a cluster's options but for its nodes, one a line. Pure. */
export function optionProblems(options: unknown): readonly string[] {
  if (!isObject(options)) return [`options: ${shown(options)} must be an object such as { nodes: 2 }`];
  const problems: string[] = [];
  const check: Check = (isFine, field, value, rule) => {
    if (!isFine) problems.push(`${field}: ${shown(value)} ${rule}`);
  };
  for (const [field, value] of Object.entries(options))
    check(known.includes(field), field, value, `is none of ${known.join(", ")}`);
  const { pods = [], stages = [], folder = ".", replicas = {} } = options;
  const { clock = "real", log = "info", seed = 0, startAt } = options;
  problems.push(...behaviourProblems(pods));
  checkStages(stages, check);
  check(clock === "real" || clock === "manual", "clock", clock, 'is neither "real" nor "manual"');
  const levels: readonly unknown[] = ["debug", "info", "warn", "error"];
  check(levels.includes(log), "log", log, 'is none of "debug", "info", "warn", "error"');
  const isPath = typeof folder === "string" && folder !== "" && !folder.includes("\0");
  check(isPath, "folder", folder, "must be the path of a folder");
  check(Number.isSafeInteger(seed), "seed", seed, "is no whole number");
  check(startAt === undefined || isTime(startAt), "startAt", startAt, "is no Date of the years 1 to 9999");
  if (!isObject(replicas)) check(false, "replicas", replicas, "must be an object such as { scheduler: 2 }");
  else for (const [part, count] of Object.entries(replicas)) checkReplicas(part, count, check);
  return problems;
}

function checkReplicas(part: string, count: unknown, check: Check): void {
  const field = `replicas.${part}`;
  const isPart = part === "scheduler" || part === "controller-manager";
  check(isPart, field, count, "is no part that can have several");
  const isFine = count === undefined || isWhole(count, 1, replicasMost);
  check(isFine, field, count, `must be a whole number from 1 to ${replicasMost}`);
}

function checkStages(stages: unknown, check: Check): void {
  check(Array.isArray(stages), "stages", stages, "must be a list of stages");
  for (const [index, stage] of Array.isArray(stages) ? stages.entries() : []) {
    const at = `stages[${index}]`;
    if (!isObject(stage)) {
      check(false, at, stage, "must be an object");
      continue;
    }
    for (const [field, value] of Object.entries(stage))
      check(stageFields.includes(field), `${at}.${field}`, value, `is none of ${stageFields.join(", ")}`);
    const { step, ofJobs, labels, annotations, delayMs, mostMs } = stage;
    const isStep = typeof step === "string" && Object.hasOwn(steps, step);
    check(isStep, `${at}.step`, step, `is none of ${Object.keys(steps).join(", ")}`);
    check(ofJobs === undefined || ofJobs === true, `${at}.ofJobs`, ofJobs, "must be true, or absent");
    check(isTexts(labels), `${at}.labels`, labels, "must be an object of texts");
    check(isTexts(annotations), `${at}.annotations`, annotations, "must be an object of texts");
    check(isWhole(delayMs, 0), `${at}.delayMs`, delayMs, "must be a whole number of milliseconds");
    const least = isWhole(delayMs, 0) ? delayMs : 0;
    check(isWhole(mostMs, least), `${at}.mostMs`, mostMs, "must be a whole number, no less than delayMs");
  }
}
