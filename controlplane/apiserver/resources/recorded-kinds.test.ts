import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import type { KubeObject } from "../../../client/types.ts";
import type { FieldError, Kind } from "../registry/kind.ts";
import { writtenForm } from "../schema/written-form.ts";
import { durationText } from "./cell-text.ts";
import { kinds } from "./table.ts";

type Json = { [name: string]: unknown };

/** What kube-apiserver 1.36.3 made of an object: stored so, or refused for these problems, `field: message` each. */
interface Outcome {
  readonly stored?: Json;
  readonly problems?: readonly string[];
}
interface Change extends Outcome {
  /** A merge patch. */
  readonly patch: Json;
  readonly subresource?: "status";
  /** What comes after goes on from here. */
  readonly keep?: true;
}
interface Recorded extends Outcome {
  readonly object: Json & { readonly kind: string; readonly apiVersion: string };
  readonly updates?: readonly Change[];
  /** The table of the object after its updates; columns of `-o wide` end in `*`. */
  readonly columns?: readonly string[];
  readonly cells?: readonly unknown[];
}

const folder = new URL("testdata/", import.meta.url);
const recorded: readonly Recorded[] = readdirSync(folder)
  .filter((name) => /^recorded-.*\.json$/.test(name))
  .flatMap((name) => JSON.parse(readFileSync(new URL(name, folder), "utf8")) as Recorded[]);

const now = "2026-01-01T00:00:00Z";

function kindOfObject({ apiVersion, kind: name }: Recorded["object"]): Kind {
  const found = kinds.find(
    (one) =>
      one.kind === name && apiVersion === (one.group === "" ? one.version : `${one.group}/${one.version}`),
  );
  assert.ok(found, `${apiVersion} ${name} is served`);
  return found;
}

/** As the registry makes a new object. */
function made(kind: Kind, fields: Json): KubeObject {
  const object = structuredClone(fields) as KubeObject;
  object.metadata = {
    ...object.metadata,
    name: object.metadata?.name ?? "x",
    uid: "u",
    resourceVersion: "",
    creationTimestamp: now,
    ...(kind.namespaced && { namespace: "default" }),
    ...(kind.hasGeneration && { generation: 1 }),
  };
  kind.applyDefaults(object);
  kind.prepareForCreate?.(object);
  kind.dropDisabled?.(object);
  return object;
}

/** As the registry changes one. */
function changed(kind: Kind, current: KubeObject, { patch, subresource }: Change): KubeObject {
  const patched = mergePatch(current, patch) as KubeObject;
  const next =
    subresource === "status"
      ? { ...structuredClone(current), metadata: patched.metadata, status: patched.status }
      : patched;
  kind.applyDefaults(next);
  if (subresource === "status") kind.prepareForStatus?.(next, current, now);
  else kind.prepareForUpdate?.(next, current);
  kind.dropDisabled?.(next, current);
  const counted = (object: KubeObject) => JSON.stringify([object.spec, kind.alsoCounted?.(object)]);
  if (kind.hasGeneration && counted(next) !== counted(current))
    next.metadata.generation = (current.metadata.generation ?? 0) + 1;
  return next;
}

function mergePatch(into: unknown, patch: unknown): unknown {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) return structuredClone(patch);
  const result: Json = { ...(structuredClone(into ?? {}) as Json) };
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = mergePatch(result[name], value);
  }
  return result;
}

/** What there is to compare: no metadata but the generation, and any time as good as another. */
function essence(object: Json): unknown {
  const { metadata, ...rest } = object as Json & { metadata: KubeObject["metadata"] };
  const text = JSON.stringify({ ...rest, generation: metadata.generation }, (_, value: unknown) =>
    typeof value === "string" && /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value) ? "TIME" : value,
  );
  return JSON.parse(text);
}

/** Kubernetes adds a comparison of old and new to some texts, after the first line. */
const firstLines = (texts: readonly string[]) => texts.map((text) => text.split("\n")[0] ?? "").sort();
const textsOf = (problems: readonly FieldError[]) =>
  firstLines(problems.map(({ field, message }) => `${field}: ${message}`));
/** Said by others than the kind: an admission plugin, or the decoder. */
const isOthers = (problems: readonly string[] = []) => problems.some((text) => /^\d{3} /.test(text));

function compare(found: readonly FieldError[], object: KubeObject, outcome: Outcome, what: string): void {
  assert.deepEqual(textsOf(found), firstLines(outcome.problems ?? []), what);
  if (outcome.stored !== undefined)
    assert.deepEqual(essence(writtenForm(object)), essence(outcome.stored), what);
}

function check(one: Recorded): void {
  const kind = kindOfObject(one.object);
  let current = made(kind, one.object);
  compare([...kind.validate(current), ...(kind.validateCreate?.(current) ?? [])], current, one, "create");
  for (const change of one.updates ?? []) {
    if (isOthers(change.problems)) continue;
    const next = changed(kind, current, change);
    const further =
      change.subresource === "status"
        ? kind.validateStatus?.(next, current)
        : kind.validateUpdate?.(next, current);
    const problems = [...kind.validate(next, undefined, current), ...(further ?? [])];
    compare(problems, next, change, JSON.stringify(change.patch));
    if (change.keep) current = next;
  }
  if (one.cells === undefined) return;
  const named = kind.columnsIncludeName ? [] : ["Name"];
  assert.deepEqual(
    [...named, ...kind.columns.map(({ name, priority }) => (priority > 0 ? `${name}*` : name))],
    one.columns,
  );
  const cells = [...named.map(() => current.metadata.name), ...kind.cells(current, Date.parse(now))];
  const ages = (all: readonly unknown[]) =>
    all.map((cell) => (typeof cell === "string" && /^(\d+s|\d{4}-.*Z)$/.test(cell) ? durationText(0) : cell));
  assert.deepEqual(ages(cells), ages(one.cells));
}

describe("kinds do with an object what kube-apiserver 1.36.3 does:", () => {
  for (const one of recorded.filter(({ problems }) => !isOthers(problems))) {
    const { apiVersion: _, kind, ...fields } = one.object;
    it(`${kind} ${JSON.stringify(fields).slice(0, 160)}`, () => check(one));
  }
});
