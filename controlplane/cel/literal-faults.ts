import { costLimits, Meter, type Overload } from "./environment.ts";
import { formatComplaints } from "./format-complaints.ts";
import { pattern } from "./functions/regex.ts";
import type { Node } from "./nodes.ts";
import type { Complaint } from "./parse.ts";
import { CelError } from "./values.ts";

const readers: readonly string[] = ["matches", "duration", "timestamp"];
const converters: readonly string[] = [
  "duration",
  "timestamp",
  "int",
  "uint",
  "double",
  "bool",
  "string",
  "bytes",
];

/** What is written out is read before the expression is ever run: patterns, times, forms of text, numbers in texts.
 *  @param offset Of the call. */
export function literalFaults(
  { name, run }: Overload,
  args: readonly Node[],
  offset: number,
): { readonly complaints: readonly Complaint[]; readonly faults: readonly string[] } {
  const form = args[0]?.literal?.value;
  if (name === "format" && typeof form === "string")
    return { complaints: formatComplaints(form, args[1]?.items, offset), faults: [] };
  const literal = args.at(-1)?.literal;
  if (literal === undefined) return { complaints: [], faults: [] };
  try {
    if (typeof literal.value === "string" && name === "matches") pattern(literal.value);
    else if (args.length === 1 && converters.includes(name))
      run([literal.value], new Meter(costLimits.expressionMax));
  } catch (error) {
    if (!(error instanceof CelError)) throw error;
    if (!readers.includes(name)) return { complaints: [], faults: [error.message] };
    return { complaints: [{ offset: literal.offset, text: `invalid ${name} argument` }], faults: [] };
  }
  return { complaints: [], faults: [] };
}
