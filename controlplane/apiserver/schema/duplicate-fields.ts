/** How many are told at most. */
const reportedMax = 20;

/** The fields that stand twice in one object of a JSON text, as `duplicate field "spec.replicas"`. The text has been
 *  parsed already, so it is well formed; a text that is no JSON object (YAML) gives none. Pure. */
export function duplicateFields(json: string): readonly string[] {
  if (!/^\s*\{/.test(json)) return [];
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
