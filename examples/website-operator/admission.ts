import type { Website } from "./website.ts";

/** What the schema's defaults cannot say, as a JSON patch: a website's host is made of its own name. Pure. */
export function defaultingPatch({ metadata, spec }: Website, namespace: string): readonly JsonPatchStep[] {
  // A name may be the server's to make (`generateName`); then there is nothing yet to make a host of.
  if (spec.host !== undefined || metadata.name === undefined) return [];
  return [{ op: "add", path: "/spec/host", value: `${metadata.name}.${namespace}.sites.example` }];
}

export interface JsonPatchStep {
  readonly op: "add" | "replace" | "remove";
  readonly path: string;
  readonly value?: unknown;
}

/** What the schema's rules cannot see, as it takes the other websites: no two have one host. Undefined: all is well.
 *  The others come from a cache, so that of two made at one moment both may pass. Pure. */
export function refusal(website: Website, namespace: string, others: readonly Website[]): string | undefined {
  const { host } = website.spec;
  const twin = others.find(
    ({ metadata, spec }) =>
      spec.host === host && (metadata.name !== website.metadata.name || metadata.namespace !== namespace),
  );
  return host === undefined || twin === undefined
    ? undefined
    : `host ${host} belongs to website ${twin.metadata.namespace}/${twin.metadata.name}`;
}
