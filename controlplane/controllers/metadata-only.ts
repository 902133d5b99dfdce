import type { ApiClient } from "../../client/api.ts";
import type { Meta, Resource, WatchEvent } from "../../client/types.ts";

type Source = Pick<ApiClient, "list" | "watch">;

/** The same source, whose objects are only apiVersion, kind and metadata: caches of kinds that matter only as owners
 *  and dependents stay small, and no secret's content is kept. */
export function metadataOnly(client: Source): Source {
  return {
    async list(resource, options) {
      const { items, metadata } = await client.list(resource, options);
      return { items: items.map((item) => strip(resource, item)), metadata };
    },
    async *watch<T>(resource: Resource<T>, options: Parameters<Source["watch"]>[1], signal: AbortSignal) {
      for await (const event of client.watch(resource, options, signal)) {
        const kept: WatchEvent<T> =
          event.type === "BOOKMARK" ? event : { type: event.type, object: strip(resource, event.object) };
        yield kept;
      }
    },
  };
}

/** Everything behind `resource` is read as an object of metadata from here on; T only names where it came from. */
function strip<T>(resource: Resource<T>, object: T): T {
  const { apiVersion, kind, metadata } = object as { apiVersion?: string; kind?: string; metadata: Meta };
  const { managedFields: _, annotations: __, ...kept } = metadata;
  const version = resource.group === "" ? resource.version : `${resource.group}/${resource.version}`;
  return { apiVersion: apiVersion ?? version, kind: kind ?? resource.kind, metadata: kept } as T;
}
