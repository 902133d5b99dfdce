import { explainObject } from "../../../../client/why/explain.ts";
import type { Finding } from "../../../../client/why/finding.ts";
import { type Gathered, gather } from "../../../../client/why/gather.ts";
import type { Kind } from "../api/discovery.ts";
import { reader } from "./reader.ts";

/** What `pintle why` says of an object; `null` for one that is not there. */
export function explainOne(
  kind: Kind,
  ref: { readonly name: string; readonly namespace: string },
  signal: AbortSignal,
): Promise<Gathered<readonly Finding[] | null | undefined>> {
  const { group, version, plural, namespaced } = kind;
  const resource = { group, version, kind: kind.kind, plural, namespaced };
  const at = namespaced ? ref : { name: ref.name };
  return gather(reader, (facts) => explainObject(resource, at, facts), { nowMs: Date.now(), signal });
}
