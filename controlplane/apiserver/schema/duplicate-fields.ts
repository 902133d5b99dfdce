import {
  EVENT_ALIAS,
  EVENT_DOCUMENT,
  EVENT_MAPPING,
  EVENT_POP,
  EVENT_SCALAR,
  getScalarValue,
  parseEvents,
} from "js-yaml";

/** How many are told at most. */
const reportedMax = 20;

/** What stands twice in one object of a text, in Kubernetes' words: `duplicate field "spec.replicas"` in JSON,
 *  `line 6: key "replicas" already set in map` in YAML. The text has been parsed already, so it is well formed. Pure. */
export function duplicateFields(text: string): readonly string[] {
  return /^\s*\{/.test(text) ? duplicatesInJson(text) : duplicatesInYaml(text);
}

/** The same of a text that is read as YAML, also where it is JSON. It walks the parser's events: what the parser makes of them
 *  has one value a key. */
export function duplicatesInYaml(text: string): readonly string[] {
  const found: string[] = [];
  const stack: YamlFrame[] = [];
  let documents = 0;
  /** What stands in the innermost map is a key or a value by turns; other nodes take one turn too. */
  const turn = (key: string | undefined, start: number) => {
    const top = stack.at(-1);
    if (top?.seen === undefined) return;
    if (top.isKey && key !== undefined) {
      if (top.seen.has(key) && found.length < reportedMax)
        found.push(`line ${lineAt(text, start)}: key "${key}" already set in map`);
      top.seen.add(key);
    }
    top.isKey = !top.isKey;
  };
  for (const event of parseEvents(text, { maxDepth: 100 })) {
    if (event.type === EVENT_DOCUMENT && ++documents > 1) break;
    if (event.type === EVENT_SCALAR) turn(getScalarValue(text, event), event.valueStart);
    else if (event.type === EVENT_ALIAS) turn(undefined, 0);
    else if (event.type === EVENT_POP) stack.pop();
    else {
      if (event.type !== EVENT_DOCUMENT) turn(undefined, 0);
      stack.push({ seen: event.type === EVENT_MAPPING ? new Set() : undefined, isKey: true });
    }
  }
  return found;
}

interface YamlFrame {
  /** Of a map; a list or document has none. */
  readonly seen: Set<string> | undefined;
  isKey: boolean;
}

function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at >= 0 && at < offset; at = text.indexOf("\n", at + 1)) line++;
  return line;
}

function duplicatesInJson(json: string): readonly string[] {
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
        if (top !== undefined && !top.isList && top.isKey) enterKey(top, String(JSON.parse(text)), found);
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
}

/** Strings and the signs that give structure; numbers and words between them do not matter. */
const token = /"(?:[^"\\]|\\.)*"|[{}[\],:]/g;

function enterKey(frame: Frame, key: string, found: Set<string>): void {
  frame.key = key;
  const path = frame.path === "" ? key : `${frame.path}.${key}`;
  if (frame.seen.has(key)) found.add(`duplicate field ${JSON.stringify(path)}`);
  frame.seen.add(key);
}

function childPath(parent: Frame | undefined): string {
  if (parent === undefined) return "";
  if (parent.isList) return `${parent.path}[${parent.index}]`;
  return parent.path === "" ? parent.key : `${parent.path}.${parent.key}`;
}
