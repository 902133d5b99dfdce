import type { InformerFactory } from "../../../client/informer.ts";
import type { Handler, IndexFunction, Stored } from "../../../client/object-cache.ts";
import type { Resource } from "../../../client/types.ts";

/** Informers whose content a test sets by hand: synced from the start. */
export class FixedInformers {
  readonly #objects = new Map<string, Stored[]>();
  readonly #handlers = new Map<string, Set<Handler<Stored>>>();

  set(plural: string, objects: readonly object[]): void {
    const before = this.#objects.get(plural) ?? [];
    this.#objects.set(plural, objects as Stored[]);
    for (const handler of this.#handlers.get(plural) ?? []) {
      for (const object of before) handler.onDelete?.(object);
      for (const object of objects as Stored[]) handler.onAdd?.(object);
    }
  }

  asFactory(): InformerFactory {
    const indexes = new Map<string, IndexFunction<Stored>>();
    const listOf = ({ plural }: Resource<unknown>) => this.#objects.get(plural) ?? [];
    const informer = (resource: Resource<unknown>) => ({
      list: () => listOf(resource),
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
    return { informer } as unknown as InformerFactory;
  }
}
