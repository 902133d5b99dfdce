import type { ObjectName } from "../../../../client/why/finding.ts";
import { kinds } from "../api/discovery.ts";
import { segmentsOf } from "../model/links.ts";
import { to } from "../route.ts";

/** `pod/web-1`, leading there. */
export function ObjectLink({ of, text }: { readonly of: ObjectName; readonly text?: string }) {
  const segments = segmentsOf(kinds.value, of);
  const words = text ?? `${of.kind.toLowerCase()}/${of.name}`;
  return segments === undefined ? <span>{words}</span> : <a href={to(segments)}>{words}</a>;
}
