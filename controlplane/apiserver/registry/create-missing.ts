import type { KubeObject } from "../../../client/types.ts";
import { prepareNew } from "./create-object.ts";
import type { Kind } from "./kind.ts";
import { type OwnStatus, putObject, type RegistryDeps, serverRequester } from "./registry-deps.ts";
import { objectKey } from "./stored-object.ts";

export interface NewObject {
  readonly kind: Kind;
  /** The server's to change. */
  readonly object: KubeObject;
  /** What a part of the server knows of it from the start. */
  readonly applied?: OwnStatus;
}

/** What one transaction takes. */
const objectsAtOnceMax = 64;

/** Stores those objects that are not there yet, many in one revision, which costs as much as one alone; what is there stays,
 *  whoever made it. For kinds that nothing is handed out to, and that nobody watches yet: a watch cut off between two events
 *  of one revision would resume after both. */
export async function createMissing(deps: RegistryDeps, objects: readonly NewObject[]): Promise<void> {
  const prepared = await Promise.all(
    objects.map(async ({ kind, object, applied }) => {
      await prepareNew(deps, kind, object, { by: serverRequester, dryRun: false });
      const { name, namespace = "" } = object.metadata;
      const whole = applied === undefined ? object : deps.applyOwn(object, applied);
      return putObject(kind, objectKey(kind, namespace, name), whole);
    }),
  );
  const parts: (typeof prepared)[] = [];
  for (let at = 0; at < prepared.length; at += objectsAtOnceMax)
    parts.push(prepared.slice(at, at + objectsAtOnceMax));
  await Promise.all(parts.map((writes) => storeMissing(deps, writes)));
}

async function storeMissing(
  { storage }: RegistryDeps,
  writes: readonly ReturnType<typeof putObject>[],
): Promise<void> {
  for (let left = writes; left.length > 0; ) {
    const compare = left.map(({ key }) => ({ key, modRevision: 0 }));
    const result = await storage.commit({ compare, writes: left });
    if (result.ok) return;
    // At least one of them is there, else it would have been stored.
    left = left.filter((_, at) => result.current[at] === undefined);
  }
}
