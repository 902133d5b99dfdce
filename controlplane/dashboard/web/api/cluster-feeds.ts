import { resourcePath } from "../../../../client/paths.ts";
import type { Row } from "../../../../client/rules/printed-table.ts";
import type { Resource } from "../../../../client/types.ts";
import { kindOf } from "./discovery.ts";
import type { LiveList } from "./live-list.ts";
import { type KubeObject, ObjectFeed } from "./object-feed.ts";
import { TableFeed } from "./table-feed.ts";

/** Objects of one collection that several parts of a view look at. */
export interface Source extends Pick<LiveList<unknown>, "state" | "version"> {
  objects(): readonly KubeObject[];
}

type Query = Readonly<Record<string, string>>;
type Listed = Pick<Resource<unknown>, "group" | "version" | "kind" | "plural" | "namespaced">;

/** The collections of a view: each is listed and followed once, from when it is first asked for until the view ends. */
export class ClusterFeeds {
  readonly #feeds = new Map<string, { readonly source: Source; stop(): void }>();
  /** `""` for all. */
  readonly namespace: string;
  #pods: TableFeed | undefined;
  #ofPods: Source | undefined;

  constructor(namespace: string) {
    this.namespace = namespace;
  }

  /** Whole objects; undefined: the cluster does not serve the kind.
   *  @param query Narrows the collection. */
  of(resource: Listed, query: Query = {}, namespace = this.namespace): Source | undefined {
    if (kindOf(`${resource.group || "core"}/${resource.plural}`) === undefined) return undefined;
    const path = resourcePath(resource, { namespace });
    const key = Object.keys(query).length === 0 ? path : `${path}?${new URLSearchParams(query)}`;
    if (resource.group === "" && resource.plural === "pods" && namespace === this.namespace && path === key) {
      this.#ofPods ??= sourceOfRows(this.pods());
      return this.#ofPods;
    }
    let known = this.#feeds.get(key);
    if (known === undefined) {
      const feed = new ObjectFeed(path, query, slim);
      const apiVersion = resource.group === "" ? resource.version : `${resource.group}/${resource.version}`;
      // Items of a list come without what they are.
      const whole = (object: KubeObject) => ({ apiVersion, kind: resource.kind, ...object });
      const { state, version } = feed;
      const objects = () => [...feed.items.values()].map(whole);
      known = { source: { state, version, objects }, stop: () => feed.stop() };
      this.#feeds.set(key, known);
    }
    return known.source;
  }

  /** Pods with what the server prints of them: one watch serves who counts states and who looks into the objects. */
  pods(): TableFeed {
    this.#pods ??= new TableFeed(
      resourcePath(podKind, { namespace: this.namespace }),
      { includeObject: "Object" },
      slimRow,
    );
    return this.#pods;
  }

  stop(): void {
    this.#pods?.stop();
    for (const { stop } of this.#feeds.values()) stop();
    this.#feeds.clear();
  }
}

const podKind = { group: "", version: "v1", kind: "Pod", plural: "pods", namespaced: true };

const sourceOfRows = ({ state, version, items }: TableFeed): Source => ({
  state,
  version,
  objects: () => [...items.values()].map(({ object }) => object as KubeObject),
});

/** Without what nobody here looks at, which is half of many objects. */
function slim(object: KubeObject): KubeObject {
  const { managedFields: _, ...metadata } = object.metadata as KubeObject["metadata"] & {
    managedFields?: unknown;
  };
  return { ...object, metadata };
}

const slimRow = (row: Row): Row => ({ ...row, object: slim(row.object as KubeObject) });
