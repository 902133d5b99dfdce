import {
  EVENT_ALIAS,
  EVENT_DOCUMENT,
  EVENT_MAPPING,
  EVENT_POP,
  EVENT_SCALAR,
  getScalarValue,
  parseEvents,
  SCALAR_STYLE,
  type ScalarEvent,
} from "js-yaml";
import { firstDocument } from "./first-document.ts";
import { plainValue } from "./yaml-words.ts";

/** How many are told at most. */
const reportedMax = 20;

/** Can there be any in a text of JSON of which so many names were read? A key stands before a colon, so there are at least as many
 *  such places as keys: where there are no more, no key stands twice. Much quicker than looking. */
export function mayHaveDuplicates(json: string, names: number): boolean {
  let places = 0;
  for (let at = json.indexOf(":"); at >= 0; at = json.indexOf(":", at + 1)) {
    let before = at - 1;
    while (isSpace(json.charCodeAt(before))) before--;
    if (json.charCodeAt(before) === quote && !isEscaped(json, before)) places++;
  }
  return places > names;
}

/** Such a quote ends no text: names of managed fields have them, `k:{\"uid\":\"…\"}`. */
function isEscaped(json: string, at: number): boolean {
  let first = at;
  while (json.charCodeAt(first - 1) === backslash) first--;
  return (at - first) % 2 === 1;
}

const quote = '"'.charCodeAt(0);
const backslash = "\\".charCodeAt(0);
/** Of JSON, which has four kinds. */
const isSpace = (code: number) => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;

/** What stands twice in one object of a text of YAML, in Kubernetes' words: `line 6: key "replicas" already set in map`. The text
 *  has been parsed already, so it is well formed. Walks the parser's events: what the parser makes of them has one value a
 *  key. Pure. */
export function duplicatesInYaml(text: string): readonly string[] {
  const found: string[] = [];
  const stack: YamlFrame[] = [];
  let documents = 0;
  /** What stands in the innermost map is a key or a value by turns; other nodes take one turn too. */
  const turn = (key: YamlKey | undefined, start: number) => {
    const top = stack.at(-1);
    if (top?.seen === undefined) return;
    // Kubernetes' library tells the line on which the value begins.
    if (top.doubled !== undefined && found.length < reportedMax)
      found.push(`line ${lineAt(text, start)}: key ${top.doubled} already set in map`);
    top.doubled = top.isKey && key !== undefined && top.seen.has(key.id) ? key.shown : undefined;
    if (top.isKey && key !== undefined) top.seen.add(key.id);
    top.isKey = !top.isKey;
  };
  for (const event of parseEvents(firstDocument(text), { maxDepth: 100 })) {
    if (event.type === EVENT_DOCUMENT && ++documents > 1) break;
    if (event.type === EVENT_SCALAR) turn(yamlKey(text, event), event.valueStart);
    else if (event.type === EVENT_ALIAS) turn(undefined, event.anchorStart);
    else if (event.type === EVENT_POP) stack.pop();
    else {
      if (event.type !== EVENT_DOCUMENT) turn(undefined, event.start);
      stack.push({
        seen: event.type === EVENT_MAPPING ? new Set() : undefined,
        isKey: true,
        doubled: undefined,
      });
    }
  }
  return found;
}

interface YamlFrame {
  /** Of a map; a list or document has none. */
  readonly seen: Set<string> | undefined;
  isKey: boolean;
  /** The key before the value that is to come, where it stood there already. */
  doubled: string | undefined;
}

interface YamlKey {
  readonly id: string;
  readonly shown: string;
}

/** Words are keys by what they mean: `yes` and `on` are one, `"yes"` is another. */
function yamlKey(text: string, event: ScalarEvent): YamlKey {
  const word = getScalarValue(text, event);
  const isPlain = event.style === SCALAR_STYLE.PLAIN && event.tagEnd <= event.tagStart;
  const value = isPlain ? plainValue(word) : word;
  const shown = typeof value === "string" ? JSON.stringify(value) : value === null ? "<nil>" : String(value);
  return { id: `${typeof value} ${shown}`, shown };
}

function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at >= 0 && at < offset; at = text.indexOf("\n", at + 1)) line++;
  return line;
}

type IsUnknown = (path: string, key: string) => boolean;

/** The same in JSON: `duplicate field "spec.replicas"`.
 *  @param isUnknown Of a key and the path of its object: told too, in the order of the text, and not looked into. */
export function duplicatesInJson(json: string, isUnknown: IsUnknown = () => false): readonly string[] {
  const found = new Set<string>();
  const stack: Frame[] = [];
  for (const match of json.matchAll(token)) {
    const top = stack.at(-1);
    const text = match[0];
    switch (text) {
      case "{":
      case "[":
        stack.push({
          isList: text === "[",
          seen: new Set(),
          path: childPath(top),
          key: "",
          index: 0,
          isKey: text === "{",
          isBeside: top !== undefined && (top.isBeside || top.isKeyUnknown),
          isKeyUnknown: false,
        });
        break;
      case "}":
      case "]":
        stack.pop();
        break;
      case ",":
        if (top?.isList) top.index++;
        else if (top !== undefined) top.isKey = true;
        break;
      case ":":
        if (top !== undefined) top.isKey = false;
        break;
      default:
        if (top !== undefined && !top.isList && top.isKey) {
          enterKey(top, String(JSON.parse(text)), found, isUnknown);
        }
    }
    if (found.size >= reportedMax) break;
  }
  return [...found];
}

interface Frame {
  readonly isList: boolean;
  readonly seen: Set<string>;
  readonly path: string;
  key: string;
  index: number;
  /** The next string is a key. */
  isKey: boolean;
  /** Within a field that is none: nobody reads what stands there. */
  readonly isBeside: boolean;
  isKeyUnknown: boolean;
}

/** Strings and the signs that give structure; numbers and words between them do not matter. */
const token = /"(?:[^"\\]|\\.)*"|[{}[\],:]/g;

function enterKey(frame: Frame, key: string, found: Set<string>, isUnknown: IsUnknown): void {
  frame.key = key;
  if (frame.isBeside) return;
  frame.isKeyUnknown = isUnknown(frame.path, key);
  if (frame.isKeyUnknown) found.add(`unknown field ${JSON.stringify(pathOf(frame, key))}`);
  else if (frame.seen.has(key)) found.add(`duplicate field ${JSON.stringify(pathOf(frame, key))}`);
  frame.seen.add(key);
}

const pathOf = ({ path }: Frame, key: string) => (path === "" ? key : `${path}.${key}`);

function childPath(parent: Frame | undefined): string {
  if (parent === undefined) return "";
  if (parent.isList) return `${parent.path}[${parent.index}]`;
  return parent.path === "" ? parent.key : `${parent.path}.${parent.key}`;
}
