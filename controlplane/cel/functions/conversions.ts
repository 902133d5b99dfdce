import { goFloat } from "../../../base/go-number.ts";
import { ownField } from "../../../base/own-field.ts";
import { fn, type Overload } from "../environment.ts";
import { param, types } from "../types.ts";
import {
  CelError,
  type Duration,
  type Timestamp,
  TypeValue,
  typeNameOf,
  Uint,
  type Value,
} from "../values.ts";
import { asInt, asUint } from "./operators.ts";
import { durationText, timestampText } from "./time.ts";

/** From one type to another, and the type of a value. */

const { bool, int, uint, double, string, bytes, duration, timestamp, dyn, type } = types;

const overflow = (kind: string) =>
  new CelError(`${kind === "uint" ? "unsigned integer" : "integer"} overflow`);

function truncated(value: number, kind: "int" | "uint"): bigint {
  const limit = kind === "int" ? 2 ** 63 : 2 ** 64;
  if (!Number.isFinite(value) || Math.abs(value) >= limit || (kind === "uint" && value < 0))
    throw overflow(kind);
  return BigInt(Math.trunc(value));
}

const fault = (to: string) => new CelError(`type conversion error from 'string' to '${to}'`);

function parsed(text: string, to: "int" | "uint"): bigint {
  const isWhole = to === "int" ? /^[+-]?\d{1,30}$/ : /^\d{1,30}$/;
  if (!isWhole.test(text)) throw fault(to);
  const value = BigInt(text.replace(/^\+/, ""));
  const kept = to === "int" ? BigInt.asIntN(64, value) : BigInt.asUintN(64, value);
  if (kept !== value) throw fault(to);
  return value;
}

const namedDoubles: Readonly<Record<string, number>> = {
  nan: Number.NaN,
  inf: Number.POSITIVE_INFINITY,
  "+inf": Number.POSITIVE_INFINITY,
  "-inf": Number.NEGATIVE_INFINITY,
};

function parsedDouble(text: string): number {
  const known = ownField(namedDoubles, text.toLowerCase().replace("infinity", "inf"));
  if (known !== undefined) return known;
  if (!/^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) throw fault("double");
  return Number(text);
}

function parsedBool(text: string): boolean {
  if (["1", "t", "T", "TRUE", "true", "True"].includes(text)) return true;
  if (["0", "f", "F", "FALSE", "false", "False"].includes(text)) return false;
  throw fault("bool");
}

/** As Go's strconv writes a float64. */
export function doubleText(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  return Object.is(value, -0) ? "-0" : goFloat(value);
}

function decoded(value: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(value);
  } catch {
    throw new CelError("invalid UTF-8 in bytes, cannot convert to string");
  }
}

const same = ([value = null]: readonly Value[]) => value;
const first = <Kind>([value]: readonly Value[]) => value as Kind;

export const conversions: readonly Overload[] = [
  fn("int", [int], int, same),
  fn("int", [uint], int, (args) => asInt(first<Uint>(args).value)),
  fn("int", [double], int, (args) => asInt(truncated(first<number>(args), "int"))),
  fn("int", [string], int, (args) => parsed(first<string>(args), "int")),
  fn("int", [timestamp], int, (args) => floorSeconds(first<Timestamp>(args).nanoseconds)),
  fn("int", [duration], int, (args) => first<Duration>(args).nanoseconds),
  fn("uint", [uint], uint, same),
  fn("uint", [int], uint, (args) => asUint(first<bigint>(args))),
  fn("uint", [double], uint, (args) => asUint(truncated(first<number>(args), "uint"))),
  fn("uint", [string], uint, (args) => new Uint(parsed(first<string>(args), "uint"))),
  fn("double", [double], double, same),
  fn("double", [int], double, (args) => Number(first<bigint>(args))),
  fn("double", [uint], double, (args) => Number(first<Uint>(args).value)),
  fn("double", [string], double, (args) => parsedDouble(first<string>(args))),
  fn("bool", [bool], bool, same),
  fn("bool", [string], bool, (args) => parsedBool(first<string>(args))),
  fn("string", [string], string, same),
  fn("string", [bool], string, (args) => String(first<boolean>(args))),
  fn("string", [int], string, (args) => String(first<bigint>(args))),
  fn("string", [uint], string, (args) => String(first<Uint>(args).value)),
  fn("string", [double], string, (args) => doubleText(first<number>(args))),
  fn("string", [bytes], string, (args, meter) => {
    meter.spendText(first<Uint8Array>(args).length);
    return decoded(first<Uint8Array>(args));
  }),
  fn("string", [duration], string, (args) => durationText(first<Duration>(args))),
  fn("string", [timestamp], string, (args) => timestampText(first<Timestamp>(args))),
  fn("bytes", [bytes], bytes, same),
  fn("bytes", [string], bytes, (args, meter) => {
    meter.spendText(first<string>(args).length);
    return new Uint8Array(Buffer.from(first<string>(args)));
  }),
  fn("dyn", [param("A")], dyn, same),
  fn("type", [param("A")], type, ([value = null]) => new TypeValue(typeNameOf(value))),
];

function floorSeconds(nanoseconds: bigint): bigint {
  const rest = ((nanoseconds % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  return (nanoseconds - rest) / 1_000_000_000n;
}
