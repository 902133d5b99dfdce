/** Go templates between `<<` and `>>`, of which rule files use fields alone: any other action is refused by name. Pure. */
export type TemplatePart =
  | { readonly text: string }
  | { readonly field: string }
  /** One value of a map: `.LabelValuesByName.pod`, `index .LabelValuesByName "pod"`. */
  | { readonly field: string; readonly key: string };

export class TemplateError extends Error {
  override readonly name = "TemplateError";
}

const action = /^(?:\.([A-Za-z]+)(?:\.([A-Za-z_][A-Za-z0-9_]*))?|index\s+\.([A-Za-z]+)\s+"([^"\\]*)")$/;

/** @param fields Those that the template may name. @param maps Those of them of which one value can be named.
 *  Throws TemplateError. */
export function readTemplate(
  text: string,
  { fields, maps = [] }: { readonly fields: readonly string[]; readonly maps?: readonly string[] },
): readonly TemplatePart[] {
  const parts: TemplatePart[] = [];
  let at = 0;
  let trims = false;
  for (;;) {
    const open = text.indexOf("<<", at);
    const before = open < 0 ? text.slice(at) : text.slice(at, open);
    const trimsBefore = open >= 0 && /^<<-\s/.test(text.slice(open, open + 4));
    parts.push({ text: trimmed(before, { start: trims, end: trimsBefore }) });
    if (open < 0) return parts.filter((part) => !("text" in part) || part.text !== "");
    const close = text.indexOf(">>", open);
    if (close < 0) throw new TemplateError("an action that begins with << has no >>");
    const whole = text.slice(open + 2, close);
    trims = /\s-$/.test(whole);
    const inside = whole.slice(trimsBefore ? 1 : 0, trims ? -1 : undefined).trim();
    parts.push(fieldOf(inside, fields, maps));
    at = close + 2;
  }
}

function fieldOf(inside: string, fields: readonly string[], maps: readonly string[]): TemplatePart {
  const match = action.exec(inside);
  const field = match?.[1] ?? match?.[3];
  if (match === null || field === undefined)
    throw new TemplateError(
      `<<${inside}>> is none of what is understood here: ${[...fields, ...maps].map((one) => `<<.${one}>>`).join(", ")}`,
    );
  const key = match[2] ?? match[4];
  if (key !== undefined && maps.includes(field)) return { field, key };
  if (key !== undefined || !fields.includes(field))
    throw new TemplateError(
      `<<${inside}>> names no field: there are ${[...fields, ...maps.map((one) => `${one}.LABEL`)].map((one) => `.${one}`).join(", ")}`,
    );
  return { field };
}

function trimmed(text: string, { start, end }: { readonly start: boolean; readonly end: boolean }): string {
  const left = start ? text.trimStart() : text;
  return end ? left.trimEnd() : left;
}
