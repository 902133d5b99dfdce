import { goJsonText } from "../../../base/go-text.ts";
import { isQuantity } from "../../../base/quantity.ts";
import { canonicalQuantity } from "../../../base/quantity-text.ts";
import { goForms } from "./load.ts";

type Json = Readonly<Record<string, unknown>>;

/** Stands for a list that was left out where the code wants one: it is shown as what it stands for. */
export const leftOut: never[] = Object.freeze([]) as unknown as never[];

/** A value in the form in which Kubernetes' messages show it: the JSON of the Go types that it keeps it in. */
export class GoForm {
  readonly #type: string;
  readonly #value: unknown;

  /** `type`: as `go-forms.txt` writes types. */
  constructor(type: string, value: unknown) {
    this.#type = type;
    this.#value = value;
  }

  /** On one line. */
  text(): string {
    return write(this.#type, this.#value, undefined);
  }

  /** A line for each value, indented by one space. */
  lines(): string {
    return write(this.#type, this.#value, "\n");
  }
}

/** `line`: the line end with the indentation of what surrounds the value; undefined: all on one line. */
function write(type: string, value: unknown, line: string | undefined): string {
  if (type.startsWith("*")) return isNil(value) ? "null" : write(type.slice(1), value, line);
  if (type.startsWith("[]")) {
    if (!Array.isArray(value) || value === leftOut) return "null";
    const inner = deeper(line);
    return wrapped(
      "[",
      "]",
      value.map((element) => write(type.slice(2), element, inner)),
      line,
    );
  }
  if (type.startsWith("{}")) return writeMap(type.slice(2), value, line);
  switch (type) {
    case "s":
      return goJsonText(typeof value === "string" ? value : "");
    case "i":
      return String(value ?? 0);
    case "b":
      return String(value ?? false);
    case "q":
      return goJsonText(typeof value === "string" && isQuantity(value) ? canonicalQuantity(value) : "0");
    case "x":
      return typeof value === "string" ? goJsonText(value) : String(value ?? 0);
    case "d":
      return goJsonText(typeof value === "string" ? value : "0s");
    case "t":
    case "y":
      return typeof value === "string" ? goJsonText(value) : "null";
    case "raw":
      return writeRaw(value, line);
  }
  const members = fieldsOf(type, value, line);
  return wrapped("{", "}", members, line);
}

function writeMap(type: string, value: unknown, line: string | undefined): string {
  if (!isRecord(value)) return "null";
  const inner = deeper(line);
  const members = Object.keys(value)
    .sort(byBytes)
    .map((key) => member(key, write(type, value[key], inner), line));
  return wrapped("{", "}", members, line);
}

function writeRaw(value: unknown, line: string | undefined): string {
  if (Array.isArray(value)) return write("[]raw", value, line);
  if (isRecord(value)) return write("{}raw", value, line);
  if (typeof value === "bigint") return String(value);
  return typeof value === "string" ? goJsonText(value) : (JSON.stringify(value) ?? "null");
}

/** The members of a value of a Go type, those of embedded ones among them. */
function fieldsOf(type: string, value: unknown, line: string | undefined): readonly string[] {
  const fields = goForms()[type];
  if (fields === undefined) throw new Error(`go-forms.txt does not know ${type}`);
  const given = reshaped(type, isRecord(value) ? value : {});
  const inner = deeper(line);
  return fields.flatMap(({ name, field, type: fieldType, isEmbedded, isOmitted }) => {
    const at = field === undefined ? given : (given[field] ?? given[keyLike(given, field)]);
    if (isEmbedded) return fieldsOf(fieldType, at, line);
    if (isOmitted && isEmpty(at)) return [];
    return [member(name, write(fieldType, at, inner), line)];
  });
}

/** The namespaces of the node that a pod shares stand in its security context, which is never nil. */
function reshaped(type: string, value: Json): Json {
  if (type !== "core.PodSpec") return value;
  const { hostNetwork, hostPID, hostIPC, shareProcessNamespace, hostUsers } = value;
  const context = isRecord(value.securityContext) ? value.securityContext : {};
  return {
    ...value,
    securityContext: { ...context, hostNetwork, hostPID, hostIPC, shareProcessNamespace, hostUsers },
  };
}

/** The API's names differ from Go's in nothing but capitals. */
function keyLike(value: Json, field: string): string {
  const wanted = field.toLowerCase();
  return Object.keys(value).find((key) => key.toLowerCase() === wanted) ?? field;
}

function wrapped(open: string, close: string, members: readonly string[], line: string | undefined): string {
  if (members.length === 0) return open + close;
  const inner = deeper(line) ?? "";
  return `${open}${inner}${members.join(`,${inner}`)}${line ?? ""}${close}`;
}

const member = (name: string, text: string, line: string | undefined) =>
  `${goJsonText(name)}:${line === undefined ? "" : " "}${text}`;

const deeper = (line: string | undefined) => (line === undefined ? undefined : `${line} `);

const isNil = (value: unknown) => value === undefined || value === null;

const isEmpty = (value: unknown) =>
  isNil(value) ||
  value === "" ||
  value === 0 ||
  value === false ||
  (typeof value === "object" && Object.keys(value ?? {}).length === 0);

function isRecord(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function byBytes(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
}
