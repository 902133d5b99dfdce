import { int64, message, nested, type Of, repeated, signedId, string } from "./protobuf.ts";

/** The profiles that Go's tools read (https://github.com/google/pprof/blob/main/proto/profile.proto): texts stand in a table, whose
 *  first is empty, and are referred to by their places in it. */
const valueType = message({ type: int64(1), unit: int64(2) });
const sample = message({ locationId: repeated(int64(1)), value: repeated(int64(2)) });
const line = message({ functionId: int64(1), line: int64(2) });
const location = message({ id: int64(1), line: repeated(nested(4, line)) });
const func = message({
  id: int64(1),
  name: int64(2),
  systemName: int64(3),
  filename: int64(4),
  startLine: int64(5),
});
export const profileMessage = message({
  sampleType: repeated(nested(1, valueType)),
  sample: repeated(nested(2, sample)),
  location: repeated(nested(4, location)),
  function: repeated(nested(5, func)),
  stringTable: repeated(string(6)),
  timeNanos: signedId(9),
  durationNanos: int64(10),
  periodType: nested(11, valueType),
  period: int64(12),
});

/** What is measured, and in which unit: `["cpu", "nanoseconds"]`. */
export type Measure = readonly [type: string, unit: string];

/** A place in the source that was running, or allocated. */
export interface Frame {
  readonly name: string;
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

export interface StackSample {
  /** The innermost first. */
  readonly stack: readonly Frame[];
  /** One for each of the profile's measures. */
  readonly values: readonly number[];
}

export interface ProfileParts {
  readonly measures: readonly Measure[];
  readonly samples: Iterable<StackSample>;
  /** Since the Unix epoch. */
  readonly startMs: number;
  readonly tookMs: number;
  /** One sample is taken for so much of this. */
  readonly period: { readonly measure: Measure; readonly value: number };
}

/** Numbers things from 1, each once. */
class Numbered<T> {
  readonly all: T[] = [];
  readonly #byKey = new Map<string, number>();

  of(key: string, make: (number: number) => T): number {
    let number = this.#byKey.get(key);
    if (number === undefined) {
      number = this.all.length + 1;
      this.#byKey.set(key, number);
      this.all.push(make(number));
    }
    return number;
  }
}

/** The encoded profile, not compressed yet. */
export function encodeProfile({ measures, samples, startMs, tookMs, period }: ProfileParts): Uint8Array {
  const texts = new Numbered<string>();
  const text = (value: string) => (value === "" ? 0 : texts.of(value, () => value));
  const measureOf = ([type, unit]: Measure) => ({ type: text(type), unit: text(unit) });
  const functions = new Numbered<Of<typeof func>>();
  const locations = new Numbered<Of<typeof location>>();
  const locationOf = ({ name, file, line: at }: Frame) =>
    locations.of(`${name} ${file}:${at}`, (id) => {
      const functionId = functions.of(`${name} ${file}:${at}`, (number) => ({
        id: number,
        name: text(name),
        systemName: text(name),
        filename: text(file),
        startLine: at,
      }));
      return { id, line: [{ functionId, line: at }] };
    });
  const encoded = {
    sampleType: measures.map(measureOf),
    sample: [...samples].map(({ stack, values }) => ({ locationId: stack.map(locationOf), value: values })),
    periodType: measureOf(period.measure),
    period: period.value,
    timeNanos: BigInt(Math.round(startMs)) * 1_000_000n,
    durationNanos: Math.round(tookMs * 1_000_000),
    location: locations.all,
    function: functions.all,
  };
  return profileMessage.encode({ ...encoded, stringTable: ["", ...texts.all] });
}
