import { type BackoffOptions, backoffMs } from "../../../base/backoff.ts";
import { sleep } from "../../../base/os/clock.ts";
import { ApiError } from "../api-error.ts";
import { nextChange } from "../cache/next-change.ts";
import type { Kind } from "../registry/kind.ts";
import { rfc3339 } from "../registry/object-meta.ts";
import { type RegistryDeps, serverRequester } from "../registry/registry-deps.ts";
import { removeObject } from "../registry/remove-object.ts";
import { updateObject } from "../registry/update-object.ts";
import { sameValue } from "../schema/same-value.ts";
import { type ConverterOf, type CustomKindOptions, customKind } from "./custom-kind.ts";
import {
  cleanupFinalizer,
  conditionOf,
  type Definition,
  type DefinitionCondition,
  setCondition,
} from "./definition.ts";
import { DefinitionBook } from "./definition-book.ts";
import { judgeNames } from "./names.ts";

const retry: BackoffOptions = { firstMs: 50, mostMs: 5_000 };
/** How often the objects of a definition that goes are looked at, while somebody's finalizers keep them. */
const cleanupPollMs = 1_000;

/** @property converter Asks the webhooks of definitions to convert. */
export type DefinitionDeps = RegistryDeps & { readonly converter: ConverterOf };

const kindOptions = ({ converter, facts }: DefinitionDeps): CustomKindOptions => ({
  converter,
  ruleTimes: facts.ruleTimes,
});

interface Known {
  /** What the kind was made of. */
  readonly of: unknown;
  readonly kind: Kind | undefined;
}

/** Serves the kinds of the definitions that are stored, and writes into the definitions' status what becomes of them. Every
 *  server does both: whoever comes second finds it done. Runs until the signal aborts. */
export async function serveDefinitions(
  deps: DefinitionDeps,
  definitions: Kind,
  signal: AbortSignal,
): Promise<void> {
  const book = new DefinitionBook();
  deps.hub.addIndex(definitions, book);
  const known = new Map<string, Known>();
  /** To be looked at: what changed, and what goes as long as objects of it are left. */
  const open = new Set<string>();
  let isServed = false;
  let failures = 0;
  while (!signal.aborted) {
    try {
      const cache = await deps.hub.cache(definitions);
      const changed = nextChange(cache, signal);
      for (const name of book.changes()) open.add(name);
      if (follow(book, open, { known, options: kindOptions(deps) }) || !isServed) {
        const sorted = [...known].sort(([a], [b]) => (a < b ? -1 : 1));
        const kinds = sorted.flatMap(([, { kind }]) => (kind === undefined ? [] : [kind]));
        deps.kinds.replace("custom", kinds);
        isServed = true;
      }
      for (const name of [...open])
        if (!(await reconcile(deps, { kind: definitions, book, name }))) open.delete(name);
      failures = 0;
      await (open.size > 0 ? Promise.race([changed, sleep(deps.clock, cleanupPollMs, signal)]) : changed);
    } catch (error) {
      if (signal.aborted) return;
      failures += 1;
      deps.log.warn("cannot keep the custom resource definitions up to date", { error, failures });
      await sleep(deps.clock, backoffMs(retry, failures, deps.random), signal).catch(() => undefined); // aborted: the loop looks for it
    }
  }
}

/** Makes kinds of the definitions of these names. A kind stays the same value as long as what it is made of does: its watches
 *  go on. @returns Whether any is another now. */
function follow(
  book: DefinitionBook,
  names: Iterable<string>,
  { known, options }: { readonly known: Map<string, Known>; readonly options: CustomKindOptions },
): boolean {
  let isOther = false;
  for (const name of names) {
    const definition = book.get(name);
    const old = known.get(name);
    if (definition === undefined || conditionOf(definition, "Established")?.status !== "True") {
      isOther = known.delete(name) || isOther;
      continue;
    }
    const { metadata, spec, status } = definition;
    const of = { uid: metadata.uid, spec, names: status?.acceptedNames };
    if (old !== undefined && sameValue(old.of, of)) continue;
    known.set(name, { of, kind: customKind(definition, options) });
    isOther = true;
  }
  return isOther;
}

interface Place {
  readonly kind: Kind;
  readonly book: DefinitionBook;
  readonly name: string;
}

/** Resolves to whether it has to be looked at again without any change of it. */
async function reconcile(deps: DefinitionDeps, place: Place): Promise<boolean> {
  const { kind, book, name } = place;
  const definition = book.get(name);
  if (definition === undefined) return false;
  if (definition.metadata.deletionTimestamp !== undefined) return finish(deps, kind, definition);
  if (judgeNames(definition, book.taken(definition.spec.group)) !== undefined) await judge(deps, place);
  return false;
}

async function judge(deps: RegistryDeps, { kind, book, name }: Place): Promise<void> {
  await change(deps, kind, name, async (definition) => {
    // Two definitions that want one name may come at once, to two servers: what the store holds decides.
    await deps.hub.consistent(kind);
    const verdict = judgeNames(definition, book.taken(definition.spec.group));
    if (verdict === undefined) return;
    definition.status = { ...definition.status, acceptedNames: verdict.acceptedNames };
    for (const condition of verdict.conditions) setCondition(definition, condition, now(deps));
  });
}

/** Deletes the objects of a definition that goes; with the last one the definition goes too. True: some are left. */
async function finish(deps: DefinitionDeps, kind: Kind, definition: Definition): Promise<boolean> {
  const { metadata } = definition;
  if (metadata.finalizers?.includes(cleanupFinalizer) !== true) return false;
  const end = await cleanUp(deps, definition);
  if (end === undefined) return true;
  await change(deps, kind, metadata.name, (one) => {
    setCondition(one, end, now(deps));
    const left = (one.metadata.finalizers ?? []).filter((finalizer) => finalizer !== cleanupFinalizer);
    if (left.length > 0) one.metadata.finalizers = left;
    else delete one.metadata.finalizers;
  });
  return false;
}

/** How the cleanup ended; undefined: objects are left. */
async function cleanUp(
  deps: DefinitionDeps,
  definition: Definition,
): Promise<DefinitionCondition | undefined> {
  const ended = (reason: string, message: string) =>
    ({ type: "Terminating", status: "False", reason, message }) as const;
  const objects = customKind(definition, kindOptions(deps));
  if (conditionOf(definition, "Established")?.status !== "True" || objects === undefined)
    return ended("NeverEstablished", "resource was never established");
  const { spec } = definition;
  // The kind in use is another value where the definition changed on its way.
  const served = deps.kinds.named(spec.group, spec.names.plural)?.kind ?? objects;
  const cache = await deps.hub.consistent(served);
  const all = cache.list(cache.prefix);
  for (const { object } of all) {
    const { name, namespace = "" } = object.metadata;
    if (object.metadata.deletionTimestamp !== undefined) continue;
    try {
      await removeObject(deps, served, { name, namespace }, { dryRun: false, by: serverRequester });
    } catch (error) {
      if (!(error instanceof ApiError) || error.reason !== "NotFound") throw error;
    }
  }
  return (await deps.hub.consistent(served)).count === 0
    ? ended("InstanceDeletionCompleted", "removed all instances")
    : undefined;
}

async function change(
  deps: RegistryDeps,
  kind: Kind,
  name: string,
  edit: (definition: Definition) => void | Promise<void>,
): Promise<void> {
  try {
    await updateObject(
      deps,
      kind,
      { namespace: "", name },
      async (current) => {
        await edit(current as unknown as Definition);
        return current;
      },
      { dryRun: false, via: "server", by: serverRequester, record: deps.recordOwn },
    );
  } catch (error) {
    if (!(error instanceof ApiError) || error.reason !== "NotFound") throw error; // it is gone
  }
}

function now({ clock }: RegistryDeps): string {
  return rfc3339(clock.wallMs());
}
