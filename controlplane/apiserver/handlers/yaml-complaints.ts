import type { YAMLException } from "js-yaml";

/** What Kubernetes' YAML library says of a text that is no YAML, worked out of what our parser says and where. Undefined where the
 *  two look at texts in ways too different to tell. Pure. */
export function goComplaint({ reason, mark }: YAMLException, text: string): string | undefined {
  const place: Place = {
    text,
    at: mark?.position ?? text.length,
    line: mark?.line ?? 0,
    next: text[mark?.position ?? text.length] ?? "",
  };
  for (const [begins, complaint] of complaints) if (reason.startsWith(begins)) return complaint(place);
  return undefined;
}

/** What it says of the end of a document that has not begun.
 *  @param before What stands before it. */
export function earlyEndComplaint(before: string): string {
  const said = /^%/m.test(before) ? noStart : noNode;
  return said({ line: before.split("\n").length - 1 });
}

interface Place {
  readonly text: string;
  readonly at: number;
  /** From 0. */
  readonly line: number;
  /** The character there. */
  readonly next: string;
}
type Complaint = (place: Place) => string | undefined;

/** Go's library counts lines otherwise where it reads characters than where it puts them together, and names no first one. */
const reading =
  (what: string): Complaint =>
  ({ line }) =>
    line === 0 ? `yaml: ${what}` : `yaml: line ${line + 1}: ${what}`;
const composing =
  (what: string) =>
  ({ line }: Pick<Place, "line">): string =>
    line === 0 ? `yaml: ${what}` : `yaml: line ${line}: ${what}`;

const noNode = composing("did not find expected node content");
const noStart = composing("did not find expected <document start>");
const noKey = composing("did not find expected key");
const noItem = composing("did not find expected '-' indicator");
const noToken = reading("found character that cannot start any token");
const noValue = reading("mapping values are not allowed in this context");

const complaints: readonly (readonly [reason: string, Complaint])[] = [
  ["unexpected end of the stream within a flow collection", unclosed],
  ["missed comma between flow collection entries", (place) => noSeparator(place)],
  ["unexpected end of the stream within a double quoted", reading("found unexpected end of stream")],
  ["unexpected end of the stream within a single quoted", reading("found unexpected end of stream")],
  ["unexpected end of the stream within a verbatim tag", reading("did not find expected tag URI")],
  ["bad indentation of a mapping entry", (place) => misplaced(place) ?? noKey(place)],
  ["bad indentation of a sequence entry", (place) => misplaced(place) ?? noItem(place)],
  ["end of the stream or a document separator is expected", afterTheEnd],
  ["name of an a", reading("did not find expected alphabetic or numeric character")],
  ["a line break is expected", reading("did not find expected comment or line break")],
  ["unknown escape sequence", reading("found unknown escape character")],
  ["expected hexadecimal character", reading("did not find expected hexdecimal number")],
  ["duplication of a", noKey],
];

/** A character that stands where none of its sort may. */
function misplaced(place: Place): string | undefined {
  const { text, at, next } = place;
  const isAlone = /^(?:\s|$)/.test(text.slice(at + 1, at + 2));
  if (next === ":" && isAlone) return noValue(place);
  if ("@`%".includes(next) && next !== "") return noToken(place);
  if (!isValueAt(text, at)) return undefined;
  if (next === "]" || next === "}") return noNode(place);
  if (next === "-") return reading("block sequence entries are not allowed in this context")(place);
  if (next === "?") return reading("mapping keys are not allowed in this context")(place);
  return undefined;
}

/** Does what begins there stand behind its key, on the same line? */
const isValueAt = (text: string, at: number) => /:[ \t]+$/.test(text.slice(0, at));

function afterTheEnd(place: Place): string | undefined {
  const { text, next, at } = place;
  const before = text.slice(0, at);
  if (/^\s*\t/.test(before)) return noToken(place);
  if (next === ":") return noValue(place);
  if (/^\s*$/.test(before)) return noNode(place);
  // A root that has not ended, but for something else in its column.
  if (!/\n$/.test(before)) return undefined;
  return /^(?:---\s)?\s*-\s/.test(before) ? noItem(place) : noKey(place);
}

function unclosed({ text }: Place): string | undefined {
  const lines = text.replace(/\n$/, "").split("\n").length;
  const end: Place = { text, at: text.length, line: lines, next: "" };
  return /[[{,:]\s*$/.test(text) ? noNode(end) : noSeparator(end);
}

function noSeparator(place: Place): string | undefined {
  const open = openBracket(place.text.slice(0, place.at));
  if (open === undefined) return undefined;
  return composing(`did not find expected ',' or '${open === "[" ? "]" : "}"}'`)(place);
}

/** Texts, which may have no end, comments and brackets: none is looked at twice. */
const parts = /"(?:[^"\\]|\\[\s\S])*(?:"|\\?$)|'[^']*(?:'|$)|(?<!\S)#.*|[[\]{}]/g;

/** The innermost bracket that is open at the text's end. */
function openBracket(text: string): string | undefined {
  const open: string[] = [];
  for (const [part] of text.matchAll(parts)) {
    if (part === "[" || part === "{") open.push(part);
    else if (part === "]" || part === "}") open.pop();
  }
  return open.at(-1);
}
