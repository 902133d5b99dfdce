/** A JSON value as Go's `%v` prints it: clients see this in texts of Kubernetes. Pure. */
export function goPrinted(value: unknown): string {
  if (value === null || value === undefined) return "<nil>";
  if (Array.isArray(value)) return `[${value.map(goPrinted).join(" ")}]`;
  if (typeof value === "number") return printedNumber(value);
  if (typeof value !== "object") return String(value);
  const pairs = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `map[${pairs.map(([name, one]) => `${name}:${goPrinted(one)}`).join(" ")}]`;
}

/** The kind of a JSON value, as Go's reflection calls it. */
export function goKind(value: unknown): string {
  if (value === null || value === undefined) return "nil";
  if (Array.isArray(value)) return "slice";
  if (typeof value === "number") return Number.isInteger(value) ? "int64" : "float64";
  if (typeof value === "bigint") return "int64";
  if (typeof value === "boolean") return "bool";
  return typeof value === "object" ? "map" : typeof value;
}

/** Its type, as Go prints that. */
export function goTypeOf(value: unknown): string {
  const kind = goKind(value);
  const names: Readonly<Record<string, string>> = { slice: "[]interface {}", map: "map[string]interface {}" };
  return kind === "nil" ? "%!s(<nil>)" : (names[kind] ?? kind);
}

/** Whole numbers in full; others with an exponent of two digits at least, from 1e21 on. */
function printedNumber(value: number): string {
  return String(value).replace(/e([+-])(\d)$/, "e$10$2");
}
