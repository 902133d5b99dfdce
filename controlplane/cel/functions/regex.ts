import { RE2JS } from "re2js";
import { fn, method, type Overload } from "../environment.ts";
import { listOf, types } from "../types.ts";
import { CelError, CelList, type Value } from "../values.ts";

/** Patterns come from outside: they are run in time proportional to the text. */

const { bool, int, string } = types;

const known = new Map<string, RE2JS>();
const knownMax = 1_000;

export function pattern(text: string): RE2JS {
  let compiled = known.get(text);
  if (compiled === undefined) {
    try {
      compiled = RE2JS.compile(text);
    } catch (error) {
      throw new CelError((error as Error).message);
    }
    if (known.size >= knownMax) known.clear();
    known.set(text, compiled);
  }
  return compiled;
}

function findAll(text: string, wanted: string, limit: number): CelList {
  const matcher = pattern(wanted).matcher(text);
  const found: Value[] = [];
  while (found.length < limit && matcher.find()) found.push(matcher.group() ?? "");
  return new CelList(found);
}

const matches = ([text, wanted]: readonly Value[]) =>
  pattern(wanted as string)
    .matcher(text as string)
    .find();

const costOf = (text: Value | undefined, wanted: Value | undefined) =>
  Math.ceil(((text as string).length + 1) / 10) * Math.ceil((wanted as string).length / 4 + 1);

const counted =
  (run: (args: readonly Value[]) => Value) =>
  (args: readonly Value[], meter: { spend(steps: number): void }) => {
    meter.spend(costOf(args[0], args[1]));
    return run(args);
  };

export const regexFunctions: readonly Overload[] = [
  fn("matches", [string, string], bool, counted(matches)),
  method("matches", [string, string], bool, counted(matches)),
  method(
    "find",
    [string, string],
    string,
    counted(([text, wanted]) => {
      const matcher = pattern(wanted as string).matcher(text as string);
      return matcher.find() ? (matcher.group() ?? "") : "";
    }),
  ),
  method(
    "findAll",
    [string, string],
    listOf(string),
    counted(([text, wanted]) => findAll(text as string, wanted as string, Number.POSITIVE_INFINITY)),
  ),
  method(
    "findAll",
    [string, string, int],
    listOf(string),
    counted(([text, wanted, limit]) => {
      const most = Number(limit as bigint);
      return findAll(text as string, wanted as string, most < 0 ? Number.POSITIVE_INFINITY : most);
    }),
  ),
];
