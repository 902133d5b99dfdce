import { invalid } from "./problems.ts";

/** The form of a value in a configuration file. */
export type Shape =
  | "string"
  | "integer"
  | "number"
  | "boolean"
  /** A text such as `15s`. */
  | "duration"
  | "anything"
  | { readonly list: Shape }
  | { readonly fields: Readonly<Record<string, Shape>> };

/** What is wrong with the form of a value; fields that Kubernetes does not know are named. Pure. */
export function shapeProblems(value: unknown, shape: Shape, path: string): readonly string[] {
  if (shape === "anything" || value === undefined || value === null) return [];
  if (typeof shape === "object" && "list" in shape)
    return Array.isArray(value)
      ? value.flatMap((one, at) =>
          one === null
            ? [invalid(`${path}[${at}]`, one, "must not be null")]
            : shapeProblems(one, shape.list, `${path}[${at}]`),
        )
      : [invalid(path, value, "must be a list")];
  if (typeof shape === "object") {
    if (typeof value !== "object" || Array.isArray(value)) return [invalid(path, value, "must be an object")];
    return Object.entries(value).flatMap(([name, one]) => {
      const at = path === "" ? name : `${path}.${name}`;
      const known = Object.hasOwn(shape.fields, name) ? shape.fields[name] : undefined;
      return known === undefined
        ? [`strict decoding error: unknown field ${JSON.stringify(at)}`]
        : shapeProblems(one, known, at);
    });
  }
  return isScalar(value, shape) ? [] : [invalid(path, value, `must be a ${shape}`)];
}

/** A value of the form without the fields that are null: they stand for what is left out. Pure. */
export function withoutNulls(value: unknown, shape: Shape): unknown {
  if (typeof shape === "string") return value;
  if ("list" in shape) return (value as readonly unknown[]).map((one) => withoutNulls(one, shape.list));
  return Object.fromEntries(
    Object.entries(value as object).flatMap(([name, one]) =>
      one === null ? [] : [[name, withoutNulls(one, shape.fields[name] ?? "anything")]],
    ),
  );
}

function isScalar(value: unknown, shape: "string" | "integer" | "number" | "boolean" | "duration"): boolean {
  switch (shape) {
    case "integer":
      return Number.isSafeInteger(value);
    case "duration":
      return typeof value === "string" && /^-?(\d+(\.\d*)?(ns|us|µs|ms|s|m|h))+$|^0$/.test(value);
    default:
      return typeof value === shape;
  }
}
