import type { Meter } from "../environment.ts";
import {
  CelError,
  CelList,
  CelMap,
  Duration,
  Timestamp,
  TypeValue,
  typeNameOf,
  Uint,
  type Value,
} from "../values.ts";
import { doubleText } from "./conversions.ts";
import { durationText, timestampText } from "./time.ts";

/** `"%s: %d".format([…])`, as cel-go's extension of texts has it. */
export function formatText(form: string, args: readonly Value[], meter: Meter): string {
  let next = 0;
  const fault = (text: string) => new CelError(`error during formatting: ${text}`);
  const made = form.replaceAll(
    /%(%|(?:\.(\d+))?([a-zA-Z])|.|$)/gs,
    (_, clause: string, digits?: string, verb?: string) => {
      if (clause === "%") return "%";
      if (verb === undefined)
        throw new CelError(
          clause === ""
            ? "unexpected end of string"
            : `could not parse formatting clause: unrecognized formatting clause "${clause}"`,
        );
      const at = next++;
      if (at >= args.length) throw new CelError(`index ${at} out of range`);
      const value = args[at] ?? null;
      meter.spend(1);
      const precision = digits === undefined ? 6 : Math.min(Number(digits), 100);
      switch (verb) {
        case "s":
          return typeof value === "string" ? value : shown(value, meter);
        case "d":
          if (value instanceof Uint) return String(value.value);
          if (typeof value === "bigint") return String(value);
          throw fault(`decimal clause can only be used on integers, was given ${typeNameOf(value)}`);
        case "f":
          return real(value, (one) => fixed(one, precision), fault);
        case "e":
          return real(value, (one) => scientific(one, precision), fault);
        case "b": {
          if (typeof value === "boolean") return value ? "1" : "0";
          return whole(value, 2, fault, "only integers and bools can be formatted as binary");
        }
        case "o":
          return whole(value, 8, fault, "octal clause can only be used on integers");
        case "x":
        case "X": {
          const text = hex(value, fault);
          return verb === "X" ? text.toUpperCase() : text;
        }
        default:
          throw new CelError(`could not parse formatting clause: unrecognized formatting clause "${verb}"`);
      }
    },
  );
  return made;
}

type Fault = (text: string) => CelError;

function whole(value: Value, radix: number, fault: Fault, rule: string): string {
  if (value instanceof Uint) return value.value.toString(radix);
  if (typeof value === "bigint") return value.toString(radix);
  throw fault(`${rule}, was given ${typeNameOf(value)}`);
}

function hex(value: Value, fault: Fault): string {
  if (typeof value === "string") return Buffer.from(value).toString("hex");
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  return whole(value, 16, fault, "only integers, byte buffers, and strings can be formatted as hex");
}

function real(value: Value, text: (one: number) => string, fault: Fault): string {
  const number =
    typeof value === "bigint" ? Number(value) : value instanceof Uint ? Number(value.value) : value;
  if (typeof number === "string" && ["NaN", "Infinity", "-Infinity"].includes(number)) return number;
  if (typeof number !== "number")
    throw fault(`fixed-point clause can only be used on doubles, was given ${typeNameOf(value)}`);
  if (!Number.isFinite(number)) return Number.isNaN(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity";
  return text(number);
}

/** With commas between thousands, as the English have them. */
function fixed(value: number, precision: number): string {
  const text =
    Math.abs(value) < 1e21
      ? value.toFixed(precision)
      : `${BigInt(value)}${precision > 0 ? `.${"0".repeat(precision)}` : ""}`;
  const [whole = "", part] = text.split(".");
  const grouped = whole.replaceAll(/\B(?=(?:\d{3})+$)/g, ",");
  return part === undefined ? grouped : `${grouped}.${part}`;
}

/** `1.5×10⁰³`: the power of ten stands above the line. */
function scientific(value: number, precision: number): string {
  const [digits = "", exponent = "0"] = value.toExponential(precision).split("e");
  const raised = String(Math.abs(Number(exponent)))
    .padStart(2, "0")
    .replaceAll(/\d/g, (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)] ?? "");
  return `${digits}×10${Number(exponent) < 0 ? "⁻" : ""}${raised}`;
}

/** Inside of lists and maps values look as they are written. */
function shown(value: Value, meter: Meter, isInner = false): string {
  meter.spend(1);
  const written = (name: string, text: string) => (isInner ? `${name}(${JSON.stringify(text)})` : text);
  if (value === null) return "null";
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "number") {
    if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
    return isInner ? fixed(value, 6) : doubleText(value);
  }
  if (typeof value !== "object") return String(value);
  if (value instanceof Uint) return String(value.value);
  if (value instanceof Uint8Array) {
    const text = new TextDecoder().decode(value);
    return isInner ? `b${JSON.stringify(text)}` : text;
  }
  if (value instanceof Duration) return written("duration", durationText(value));
  if (value instanceof Timestamp) return written("timestamp", timestampText(value));
  if (value instanceof TypeValue) return value.name;
  if (value instanceof CelList) return `[${value.items.map((item) => shown(item, meter, true)).join(", ")}]`;
  if (value instanceof CelMap) {
    const entries = value
      .keys()
      .map((key) => `${shown(key, meter, true)}:${shown(value.get(key) ?? null, meter, true)}`);
    return `{${entries.sort().join(", ")}}`;
  }
  throw new CelError(
    `error during formatting: string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps, was given ${typeNameOf(value)}`,
  );
}
