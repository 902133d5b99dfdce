import type { Metadata } from "../../../../client/rules/printed-table.ts";
import { type Form, LiveList } from "./live-list.ts";

/** An object of any kind, as far as every kind has it. */
export interface KubeObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: Metadata;
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

const form: Form<KubeObject> = {
  accept: "application/json",
  itemsOf: (answer) => {
    const { items, metadata } = answer as {
      readonly items?: readonly KubeObject[];
      readonly metadata?: Metadata;
    };
    // Of a watch comes the object alone.
    return items ?? (metadata?.name === undefined ? [] : [answer as KubeObject]);
  },
  keyOf: ({ metadata }) => `${metadata.namespace ?? ""}/${metadata.name}`,
  resourceVersionOf: ({ metadata }) => metadata.resourceVersion,
};

/** Whole objects of a collection. */
export class ObjectFeed extends LiveList<KubeObject> {
  /** @param keep What is kept of each. */
  constructor(
    path: string,
    query: Readonly<Record<string, string>> = {},
    keep?: (object: KubeObject) => KubeObject,
  ) {
    super(
      keep === undefined ? form : { ...form, itemsOf: (answer) => form.itemsOf(answer).map(keep) },
      path,
      query,
    );
  }
}
