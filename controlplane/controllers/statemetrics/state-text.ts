import type { Stored } from "../../../client/object-cache.ts";
import type { AllowLists } from "./allow-lists.ts";
import type { Family, Labels, StateKind } from "./series.ts";

/** Series in Prometheus' text format. Pure. */

/** The lines of one object, family by family. */
export type ObjectText = readonly string[];

export function objectText<T extends Stored>(kind: StateKind<T>, object: T, allowed: AllowLists): ObjectText {
  const common = labelPairs(kind.labels(object));
  return kind.families.map(({ name, of }) => {
    let lines = "";
    for (const { labels, value } of of(object, allowed)) {
      const own = labelPairs(labels);
      lines += `${name}{${common}${own === "" ? "" : `,${own}`}} ${valueText(value)}\n`;
    }
    return lines;
  });
}

export function headerText<T>({ name, help, type, isStable }: Family<T>): string {
  return `# HELP ${name} ${isStable ? "[STABLE] " : ""}${help}\n# TYPE ${name} ${type}\n`;
}

/** Of all objects of a kind. */
export function* kindText<T>({ families }: StateKind<T>, objects: readonly ObjectText[]): Generator<string> {
  for (const [at, family] of families.entries()) {
    let text = headerText(family);
    for (const lines of objects) {
      text += lines[at];
      if (text.length < pieceCharacters) continue;
      yield text;
      text = "";
    }
    yield text;
  }
}

const pieceCharacters = 64 * 1024;

function labelPairs(labels: Labels): string {
  let text = "";
  for (const name in labels) text += `${text === "" ? "" : ","}${name}="${escaped(labels[name] ?? "")}"`;
  return text;
}

const special = /[\\"\n]/;

function escaped(value: string): string {
  if (!special.test(value)) return value;
  return value.replace(/[\\"]/g, "\\$&").replaceAll("\n", "\\n");
}

function valueText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
}
