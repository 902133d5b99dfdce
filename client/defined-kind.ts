import { type Deferred, deferred } from "../base/deferred.ts";
import type { Log } from "../base/os/log.ts";
import { TaskScope } from "../base/os/task-scope.ts";
import { unlessAborted } from "../base/unless-aborted.ts";
import { definitions, isEstablished, servedVersions, smallDefinition } from "./definitions.ts";
import type { Informer, InformerFactory } from "./informer.ts";
import { keyOf, type Stored } from "./object-cache.ts";
import type { KubeObject, Resource } from "./types.ts";

export interface DefinedKindParts<T extends Stored> {
  readonly informers: Pick<InformerFactory, "ownInformer">;
  readonly log: Log;
  readonly definition: string;
  /** Those that are understood, the best first. */
  readonly versions: readonly string[];
  readonly resource: (version: string) => Resource<T>;
  /** An object is new or another now. */
  readonly onPut: (object: T) => void;
  readonly onRemove: (object: T) => void;
  /** What is read may be another thing now than before. */
  readonly onChange: () => void;
}

interface Followed<T extends Stored> {
  readonly version: string;
  readonly objects: Informer<T>;
  readonly leave: () => Promise<void>;
}

/** Follows the objects of a kind that a cluster may have or not, as its definition comes, changes and goes. While it is not defined
 *  this is one watch of one object that is not there. Where another version is served than before, no object is taken for gone
 *  until all of that version are known. */
export class DefinedKind<T extends Stored> {
  readonly #parts: DefinedKindParts<T>;
  readonly #known = new Map<string, T>();
  #definition: Informer<KubeObject> | undefined;
  #followed: Followed<T> | undefined;
  #wake: Deferred<void> = deferred();
  #changes = 0;
  /** What the definition says is carried out as of so many changes. */
  #arranged: number | undefined;

  constructor(parts: DefinedKindParts<T>) {
    this.#parts = parts;
  }

  /** False while what there is, is being read. */
  get isRead(): boolean {
    return (
      this.#definition?.hasSynced === true &&
      this.#arranged === this.#changes &&
      (this.#followed === undefined || this.#followed.objects.hasSynced)
    );
  }

  /** Follows until the signal aborts. What it knows stays as it is then. */
  async run(signal: AbortSignal): Promise<void> {
    const { informers, log, definition } = this.#parts;
    const tasks = new TaskScope(log);
    this.#definition = informers.ownInformer(tasks, definitions, {
      fieldSelector: `metadata.name=${definition}`,
      keep: smallDefinition,
    });
    const touch = () => {
      this.#changes++;
      this.#wake.resolve();
    };
    this.#definition.subscribe({ onAdd: touch, onUpdate: touch, onDelete: touch });
    try {
      await this.#definition.synced(signal);
      for (;;) {
        this.#wake = deferred();
        const changes = this.#changes;
        await this.#arrange(this.#wantedVersion(definition));
        this.#arranged = changes;
        this.#parts.onChange();
        await unlessAborted(this.#wake.promise, signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      await this.#followed?.leave();
      await tasks.stop();
    }
  }

  #wantedVersion(name: string): string | undefined {
    const found = this.#definition?.list().find(({ metadata }) => metadata.name === name);
    if (found === undefined || !isEstablished(found)) return undefined;
    const served = servedVersions(found);
    return this.#parts.versions.find((version) => served.includes(version));
  }

  async #arrange(version: string | undefined): Promise<void> {
    const { informers, log, resource, onPut, onRemove, onChange } = this.#parts;
    if (version === this.#followed?.version) return;
    const left = this.#followed;
    this.#followed = undefined;
    await left?.leave();
    if (version === undefined) {
      const gone = [...this.#known.values()];
      this.#known.clear();
      for (const object of gone) onRemove(object);
      return;
    }
    const tasks = new TaskScope(log);
    const objects = informers.ownInformer(tasks, resource(version), {});
    const put = (object: T) => {
      this.#known.set(keyOf(object), object);
      onPut(object);
    };
    const remove = (object: T) => {
      if (this.#known.delete(keyOf(object))) onRemove(object);
    };
    const off = objects.subscribe({ onAdd: put, onUpdate: put, onDelete: remove });
    const leave = async () => {
      off();
      await tasks.stop();
    };
    this.#followed = { version, objects, leave };
    tasks.run(`first state of ${resource(version).plural}`, async (signal) => {
      await objects.synced(signal);
      const now = new Set(objects.list().map(keyOf));
      for (const [key, object] of [...this.#known]) if (!now.has(key)) remove(object);
      onChange();
    });
  }
}
