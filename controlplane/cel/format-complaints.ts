import type { Complaint } from "./parse.ts";
import { type CelType, typeText } from "./types.ts";

/** What is wrong with a form of text for `format` that is written out, and with what is to be put into it. Pure. */
export function formatComplaints(
  form: string,
  items: readonly { readonly type: CelType; readonly offset: number }[] | undefined,
  offset: number,
): readonly Complaint[] {
  let next = 0;
  for (const [, clause = "", verb] of form.matchAll(/%(%|(?:\.\d+)?([a-zA-Z])|.|$)/gs)) {
    if (clause === "%") continue;
    if (clause === "") return [{ offset, text: "unexpected end of string" }];
    const accepts = verb === undefined ? undefined : clauses[verb];
    if (accepts === undefined) {
      const text = `could not parse formatting clause: unrecognized formatting clause "${verb ?? clause}"`;
      return [{ offset, text }];
    }
    const at = next++;
    if (items === undefined) continue;
    const item = items[at];
    if (item === undefined) return [{ offset, text: `index ${at} out of range` }];
    const { kinds, rule } = accepts;
    if (kinds === undefined || ["dyn", "error", ...kinds].includes(item.type.kind)) continue;
    const text = `error during formatting: ${rule}, was given ${typeText(item.type)}`;
    return [{ offset: item.offset, text }];
  }
  return [];
}

interface Clause {
  readonly kinds?: readonly CelType["kind"][];
  readonly rule?: string;
}

const hex: Clause = {
  kinds: ["int", "uint", "string", "bytes"],
  rule: "only integers, byte buffers, and strings can be formatted as hex",
};
const clauses: Readonly<Record<string, Clause>> = {
  s: {},
  d: { kinds: ["int", "uint"], rule: "decimal clause can only be used on integers" },
  f: { kinds: ["double", "int", "uint", "string"], rule: "fixed-point clause can only be used on doubles" },
  e: { kinds: ["double", "int", "uint", "string"], rule: "scientific clause can only be used on doubles" },
  b: { kinds: ["int", "uint", "bool"], rule: "only integers and bools can be formatted as binary" },
  o: { kinds: ["int", "uint"], rule: "octal clause can only be used on integers" },
  x: hex,
  X: hex,
};
