import type { InformerFactory } from "../../../client/informer.ts";
import {
  type Handler,
  type IndexFunction,
  keyOf,
  keyOfRef,
  type Stored,
} from "../../../client/object-cache.ts";
import type { Ref, Resource } from "../../../client/types.ts";

/** Informers whose content a test sets by hand: synced from the start. */
export class FixedInformers {
  readonly #objects = new Map<string, Stored[]>();
  readonly #handlers = new Map<string, Set<Handler<Stored>>>();

  set(plural: string, objects: readonly object[]): void {
    const before = new Map((this.#objects.get(plural) ?? []).map((object) => [keyOf(object), object]));
    const after = objects as Stored[];
    this.#objects.set(plural, after);
    for (const handler of this.#handlers.get(plural) ?? []) {
      for (const object of after) {
        const previous = before.get(keyOf(object));
        if (previous === undefined) handler.onAdd?.(object);
        else if (JSON.stringify(previous) !== JSON.stringify(object)) handler.onUpdate?.(object, previous);
      }
      const kept = new Set(after.map(keyOf));
      for (const [key, object] of before) if (!kept.has(key)) handler.onDelete?.(object);
    }
  }

  asFactory(): InformerFactory {
    const indexes = new Map<string, IndexFunction<Stored>>();
    const listOf = ({ plural }: Resource<unknown>) => this.#objects.get(plural) ?? [];
    const informer = (resource: Resource<unknown>) => ({
      list: () => listOf(resource),
      get: (ref: Ref) => listOf(resource).find((object) => keyOf(object) === keyOfRef(ref)),
      byNamespace: (namespace: string) =>
        listOf(resource).filter(({ metadata }) => metadata.namespace === namespace),
      addIndex: (name: string, valuesOf: IndexFunction<Stored>) => void indexes.set(name, valuesOf),
      byIndex: (name: string, value: string) =>
        listOf(resource).filter((object) => indexes.get(name)?.(object).includes(value)),
      hasSynced: true,
      synced: async () => undefined,
      subscribe: (handler: Handler<Stored>) => {
        const handlers = this.#handlers.get(resource.plural) ?? new Set();
        this.#handlers.set(resource.plural, handlers.add(handler));
        for (const object of listOf(resource)) handler.onAdd?.(object);
        return () => handlers.delete(handler);
      },
    });
    const ownInformer = (_: unknown, resource: Resource<unknown>) => informer(resource);
    return { informer, ownInformer } as unknown as InformerFactory;
  }
}
