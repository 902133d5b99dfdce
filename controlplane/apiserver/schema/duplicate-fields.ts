import { isScalar, LineCounter, parseAllDocuments, visit } from "yaml";

/** How many are told at most. */
const reportedMax = 20;

/** What stands twice in one object of a text, in Kubernetes' words: `duplicate field "spec.replicas"` in JSON,
 *  `line 6: key "replicas" already set in map` in YAML. The text has been parsed already, so it is well formed. Pure. */
export function duplicateFields(text: string): readonly string[] {
  return /^\s*\{/.test(text) ? duplicatesInJson(text) : duplicatesInYaml(text);
}

function duplicatesInYaml(text: string): readonly string[] {
  const found: string[] = [];
  const lines = new LineCounter();
  const [document] = parseAllDocuments(text, { uniqueKeys: false, lineCounter: lines });
  if (document === undefined || !("contents" in document)) return found;
  visit(document, {
    Map: (_, map) => {
      const seen = new Set<unknown>();
      for (const { key } of map.items) {
        if (!isScalar(key)) continue;
        if (seen.has(key.value) && found.length < reportedMax)
          found.push(
            `line ${lines.linePos(key.range?.[0] ?? 0).line}: key "${key.value}" already set in map`,
          );
        seen.add(key.value);
      }
    },
  });
  return found;
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
