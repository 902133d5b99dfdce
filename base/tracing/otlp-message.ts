import { type Attributes, type AttributeValue, type EndedSpan, spanKinds } from "./span.ts";

/** opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest, written by its field numbers. Pure. */

/** Who sends: `service.name` and its like. */
export type Resource = Attributes;

export function traceRequest(spans: readonly EndedSpan[], resource: Resource, scope: string): Buffer {
  const scoped = [...field(1, text(1, scope)), ...spans.flatMap((span) => field(2, spanOf(span)))];
  return Buffer.concat(field(1, [...field(1, attributes(1, resource)), ...field(2, scoped)]));
}

type Pieces = readonly Uint8Array[];

function spanOf(span: EndedSpan): Pieces {
  const { context, parentId, name, kind, startMs, endMs, events, links, failure } = span;
  return [
    ...hex(1, context.traceId),
    ...hex(2, context.spanId),
    ...(parentId === undefined ? [] : hex(4, parentId)),
    ...text(5, name),
    tag(6, 0),
    varint(spanKinds[kind]),
    ...nanos(7, startMs),
    ...nanos(8, endMs),
    ...attributes(9, span.attributes),
    ...events.flatMap((one) =>
      field(11, [...nanos(1, one.atMs), ...text(2, one.name), ...attributes(3, one.attributes)]),
    ),
    ...links.flatMap((one) => field(13, [...hex(1, one.traceId), ...hex(2, one.spanId)])),
    // STATUS_CODE_ERROR
    ...(failure === undefined ? [] : field(15, [...text(2, failure), tag(3, 0), varint(2)])),
  ];
}

/** KeyValue of common.v1. */
function attributes(number: number, all: Attributes): Pieces {
  return Object.entries(all).flatMap(([key, value]) =>
    field(number, [...text(1, key), ...field(2, anyValue(value))]),
  );
}

function anyValue(value: AttributeValue): Pieces {
  if (typeof value === "string") return text(1, value);
  if (typeof value === "boolean") return [tag(2, 0), varint(value ? 1 : 0)];
  if (Number.isSafeInteger(value) && value >= 0) return [tag(3, 0), varint(value)];
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return [tag(4, 1), bytes];
}

const textMax = 4096;

function text(number: number, value: string): Pieces {
  return field(number, [Buffer.from(value.length > textMax ? value.slice(0, textMax) : value, "utf8")]);
}
const hex = (number: number, value: string): Pieces => field(number, [Buffer.from(value, "hex")]);

/** A fixed64 of nanoseconds since the epoch. */
function nanos(number: number, ms: number): Pieces {
  const bytes = Buffer.alloc(8);
  const whole = Math.floor(ms);
  bytes.writeBigUInt64LE(BigInt(whole) * 1_000_000n + BigInt(Math.round((ms - whole) * 1e6)));
  return [tag(number, 1), bytes];
}

/** A message or text of known length. */
function field(number: number, pieces: Pieces): Pieces {
  const bytes = pieces.reduce((sum, one) => sum + one.length, 0);
  return [tag(number, 2), varint(bytes), ...pieces];
}

const tag = (number: number, wireType: 0 | 1 | 2): Uint8Array => varint(number * 8 + wireType);

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  bytes.push(rest);
  return Uint8Array.from(bytes);
}
