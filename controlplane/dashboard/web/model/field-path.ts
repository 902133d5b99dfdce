/** Where in an object something stands. */
export type FieldPath = readonly (string | number)[];

const stepPattern = /\.?([^.[\]]+)|\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]|\[([^\]]*)\]/y;

/** `spec.containers[0].image`, `metadata.labels[a.b/c]`: as servers and schemas write where something stands. `[name=web]` and
 *  other brackets that are no number are names of fields. Undefined for what is no such text. Pure. */
export function pathOf(text: string): FieldPath | undefined {
  const steps: (string | number)[] = [];
  stepPattern.lastIndex = 0;
  while (stepPattern.lastIndex < text.length) {
    const [, name, index, quoted, bracketed] = stepPattern.exec(text) ?? [];
    const step = name ?? (index === undefined ? (quoted ?? bracketed) : Number(index));
    if (step === undefined) return undefined;
    steps.push(step);
  }
  return steps.length > 0 ? steps : undefined;
}

/** Pure. */
export function pathText(path: FieldPath): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === "number") return `${text}[${step}]`;
    if (!/^[\w$-]+$/.test(step)) return `${text}[${step}]`;
    return text === "" ? step : `${text}.${step}`;
  }, "");
}

/** What the server's words name: `strict decoding error: unknown field "spec.foo"`, and where Go or we could not read a value.
 *  Pure. */
export function pathsInMessage(
  message: string,
): readonly { readonly path: FieldPath; readonly message: string }[] {
  const found: { path: FieldPath; message: string }[] = [];
  for (const [said, text] of message.matchAll(/(?:unknown|duplicate) field "([^"]+)"/g)) {
    const path = pathOf(text ?? "");
    if (path) found.push({ path, message: said });
  }
  const go = /cannot unmarshal (\S+) into Go struct field [A-Z]\w*\.([^\s]+) of type (\S+)/.exec(message);
  const path = pathOf(go?.[2] ?? "");
  if (go && path) found.push({ path, message: `a ${go[1]} stands where ${go[3]} is wanted` });
  return found;
}
