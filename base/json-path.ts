/** The paths of Kubernetes' JSONPath, as kubectl's templates, printer columns and selectable fields use them. Pure. */
export class JsonPathError extends Error {
  override readonly name = "JsonPathError";
}

const stepPattern =
  /\.?\[\?\(@((?:\.[\w-]+)+)\s*(==|!=)\s*(?:"([^"]*)"|'([^']*)'|([\w.-]+))\)\]|\.?\[(\*|-?\d+)\]|\.?\['((?:[^'\\]|\\.)*)'\]|\.((?:[\w/-]|\\.)+|\*)|\./y;

/** What `path` (`.a.b[0]`, `.items[*].x`, `[?(@.x=="y")].z`, with or without a leading `$`) leads to. Throws JsonPathError. */
export function selectPath(path: string, root: unknown): readonly unknown[] {
  let found: readonly unknown[] = root === undefined ? [] : [root];
  const text = path.replace(/^[$@]/, "");
  const pattern = new RegExp(stepPattern); // filters select inside a selection: each needs its own position
  while (pattern.lastIndex < text.length) {
    const start = pattern.lastIndex;
    const match = pattern.exec(text);
    if (match === null) throw new JsonPathError(`cannot read "${text.slice(start)}"`);
    const [, field, operator, double, single, bare, index, quoted, name] = match;
    if (field !== undefined) {
      const wanted = double ?? single ?? bare ?? "";
      found = found.flatMap(elements).filter((one) => {
        const equal = selectPath(field, one).some((value) => textOf(value) === wanted);
        return operator === "==" ? equal : !equal;
      });
    } else if (index === "*" || name === "*") found = found.flatMap(elements);
    else if (index !== undefined)
      found = found.flatMap((one) => (Array.isArray(one) ? defined(one.at(Number(index))) : []));
    else if (quoted !== undefined || name !== undefined) {
      const key = (quoted ?? name ?? "").replace(/\\(.)/g, "$1");
      found = found.flatMap((one) => (isRecord(one) && Object.hasOwn(one, key) ? defined(one[key]) : []));
    }
  }
  return found;
}

/** A value as a template shows it. */
export function textOf(value: unknown): string {
  return typeof value === "string" ? value : value === undefined ? "" : JSON.stringify(value);
}

function elements(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : isRecord(value) ? Object.values(value) : [];
}
const defined = (value: unknown): readonly unknown[] => (value === undefined ? [] : [value]);
function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
