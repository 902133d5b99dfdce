import type { Clock } from "../../../base/os/clock.ts";
import type { Random } from "../../../base/os/random.ts";
import { unknownError } from "../api-error.ts";
import { goKindOf } from "../go-json-error.ts";
import { isObject, type JsonObject, objectOf, stringOf } from "../json.ts";
import { newUid } from "../registry/object-meta.ts";
import { validateLabels } from "../resources/labels.ts";
import { reviewVersion } from "./admission-review.ts";
import { conversionQuestion, readConversion } from "./conversion-review.ts";
import { type HookAddress, type HookClients, shownUrl } from "./hook-client.ts";
import type { ConversionMetrics } from "./metrics.ts";

export interface ConversionDeps {
  readonly clients: HookClients;
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: ConversionMetrics;
  /** Aborts when the server stops. */
  readonly signal: AbortSignal;
}

export interface ConversionHook {
  readonly address: HookAddress;
  readonly reviewVersions: readonly string[];
}

/** As Kubernetes tells the webhook. */
const timeoutSeconds = 30;
/** Objects of one question, and bytes of one answer. */
const objectsMax = 500;
const answerBytesMax = 128 * 1024 * 1024;

export type ConvertObjects = (
  objects: readonly JsonObject[],
  apiVersion: string,
) => Promise<readonly JsonObject[]>;

/** Converts custom resources by asking a webhook, in Kubernetes' words where that fails: 500. Those that are in the version
 *  already are passed by. Of an object's metadata the webhook may change labels and annotations. */
export function convertObjects(deps: ConversionDeps, hook: ConversionHook): ConvertObjects {
  return async (objects, apiVersion) => {
    const others = objects.filter((one) => one.apiVersion !== apiVersion);
    const made = new Map<JsonObject, JsonObject>();
    for (let at = 0; at < others.length; at += objectsMax) {
      const part = others.slice(at, at + objectsMax);
      await counted(deps, async (stage) => {
        const converted = await ask(deps, hook, { objects: part, apiVersion, stage });
        stage("conversion_webhook_invalid_converted_object_failure");
        for (const [index, original] of part.entries())
          made.set(original, checked(original, converted[index], apiVersion));
      });
    }
    return objects.map((one) => made.get(one) ?? one);
  };
}

/** @param convert Says which failure one is from now on. */
async function counted(
  { metrics, clock }: ConversionDeps,
  convert: (stage: (failure: string) => void) => Promise<void>,
): Promise<void> {
  const startedMs = clock.monotonicMs();
  let failure = "conversion_webhook_call_failure";
  const note = (result: "success" | "failure", type: string) => {
    const outcome = { result, failure_type: type };
    metrics.requests.inc(outcome);
    metrics.seconds.observe(outcome, (clock.monotonicMs() - startedMs) / 1000);
  };
  try {
    await convert((stage) => {
      failure = stage;
    });
  } catch (error) {
    note("failure", failure);
    throw error;
  }
  note("success", "");
}

const about = ({ apiVersion, kind }: JsonObject) => `conversion webhook for ${apiVersion}, Kind=${kind}`;

interface Asked {
  readonly objects: readonly JsonObject[];
  readonly apiVersion: string;
  readonly stage: (failure: string) => void;
}

async function ask(
  { clients, clock, random, signal }: ConversionDeps,
  hook: ConversionHook,
  { objects, apiVersion, stage }: Asked,
): Promise<readonly unknown[]> {
  const [first = {}] = objects;
  const fail = (why: string) => unknownError(`${about(first)} failed: ${why}`);
  const version = reviewVersion(hook.reviewVersions);
  if (version === undefined) throw unknownError("no supported conversion review versions");
  const uid = newUid(random);
  const ended = new AbortController();
  const cancel = clock.after(timeoutSeconds * 1000, () =>
    ended.abort(new Error("context deadline exceeded")),
  );
  const onAbort = () => ended.abort(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    const body = conversionQuestion({ uid, version, apiVersion, objects: objects.map(withoutEmpty) });
    const question = { body, timeoutSeconds, signal: ended.signal, answerBytesMax };
    const answer = await clients.post(hook.address, question).catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      throw fail(`Post ${JSON.stringify(shownUrl(hook.address, timeoutSeconds))}: ${why}`);
    });
    stage("conversion_webhook_malformed_response_failure");
    const read = readConversion(answer, { uid, version });
    if ("problem" in read) throw fail(read.problem);
    stage("conversion_webhook_partial_response_failure");
    if (read.objects.length !== objects.length)
      throw unknownError(
        `${about(first)} returned ${read.objects.length} objects, expected ${objects.length}`,
      );
    return read.objects;
  } finally {
    cancel();
    signal.removeEventListener("abort", onAbort);
  }
}

/** What only the server says is not there yet in a new object. */
function withoutEmpty(object: JsonObject): JsonObject {
  if (!isObject(object.metadata)) return object;
  const metadata = Object.entries(object.metadata).filter(([, value]) => value !== "" && value !== undefined);
  return { ...object, metadata: Object.fromEntries(metadata) };
}

/** The converted object, with the original's metadata but for labels and annotations. */
function checked(original: JsonObject, converted: unknown, apiVersion: string): JsonObject {
  if (!isObject(converted))
    throw unknownError(
      `json: cannot unmarshal ${goKindOf(converted)} into Go value of type map[string]interface {}`,
    );
  const invalid = (why: string, what = "object") =>
    unknownError(`${about(original)} returned invalid ${what}: ${why}`);
  const other = (what: string, expected: unknown, received: unknown) =>
    unknownError(
      `${about(original)} returned invalid object at index 0: invalid ${what} (expected ${expected}, received ${received})`,
    );
  if (converted.apiVersion !== apiVersion)
    throw other("groupVersion", apiVersion, stringOf(converted.apiVersion));
  if (converted.kind !== original.kind) throw other("kind", original.kind, stringOf(converted.kind));
  const [from, to] = [objectOf(original.metadata), objectOf(converted.metadata)];
  for (const [field, shown] of [
    ["name", "name"],
    ["namespace", "namespace"],
    ["uid", "UID"],
  ] as const) {
    const [expected, received] = [stringOf(from[field]), stringOf(to[field])];
    if (expected !== received) throw invalid(`must have the same ${shown}: ${expected} != ${received}`);
  }
  const metadata: JsonObject = { ...from };
  for (const field of ["labels", "annotations"]) {
    const problem = textMapProblem(to[field], `metadata.${field}`);
    if (problem !== undefined) throw invalid(problem, "metadata");
    if (to[field] === undefined || to[field] === null) delete metadata[field];
    else metadata[field] = to[field];
  }
  const problems = validateLabels(objectOf(metadata.labels) as Record<string, string>, "metadata.labels");
  if (problems.length > 0) {
    const texts = [...new Set(problems.map(({ field, message }) => `${field}: ${message}`))];
    throw invalid(texts.length === 1 ? (texts[0] ?? "") : `[${texts.join(", ")}]`, "metadata");
  }
  return { ...converted, metadata };
}

function textMapProblem(map: unknown, path: string): string | undefined {
  if (map === undefined || map === null) return undefined;
  if (!isObject(map)) return `${path} must be a map of strings in converted object`;
  const bad = Object.entries(map).find(([, value]) => typeof value !== "string");
  if (bad === undefined) return undefined;
  const [name, value] = bad;
  const isWhole = typeof value === "bigint" || Number.isInteger(value);
  const type = isWhole ? "int64" : typeof value === "number" ? "float64" : goKindOf(value);
  return `${path}[${name}] must be a string, but is ${type} in converted object`;
}
