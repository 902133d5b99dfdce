import assert from "node:assert/strict";
import protobuf from "protobufjs";
import { encodeProfile, type Frame } from "./pprof.ts";

/** Of pprof's profile.proto, what is written. */
const definition = `syntax = "proto3";
message Profile {
  repeated ValueType sample_type = 1; repeated Sample sample = 2; repeated Location location = 4;
  repeated Function function = 5; repeated string string_table = 6; int64 time_nanos = 9; int64 duration_nanos = 10;
  ValueType period_type = 11; int64 period = 12;
}
message ValueType { int64 type = 1; int64 unit = 2; }
message Sample { repeated uint64 location_id = 1; repeated int64 value = 2; }
message Location { uint64 id = 1; repeated Line line = 4; }
message Line { uint64 function_id = 1; int64 line = 2; }
message Function { uint64 id = 1; int64 name = 2; int64 system_name = 3; int64 filename = 4; int64 start_line = 5; }`;

interface Written {
  readonly stringTable: readonly string[];
  readonly function: readonly { readonly id: number; readonly name: number }[];
  readonly sample: readonly { readonly locationId: readonly number[]; readonly value: readonly number[] }[];
  readonly timeNanos: number;
  readonly durationNanos: number;
  readonly period: number;
}

describe("encodeProfile", () => {
  it("writes stacks as pprof defines them, each place, function and text once", () => {
    const outer: Frame = { name: "outer", file: "a.ts", line: 3 };
    const inner: Frame = { name: "inner", file: "a.ts", line: 7 };
    const bytes = encodeProfile({
      measures: [["cpu", "nanoseconds"]],
      samples: [
        { stack: [inner, outer], values: [5_000] },
        { stack: [outer], values: [7_000] },
      ],
      startMs: 1_000,
      tookMs: 20,
      period: { measure: ["cpu", "nanoseconds"], value: 1_000_000 },
    });
    const type = protobuf.parse(definition).root.lookupType("Profile");
    const profile = type.toObject(type.decode(bytes), { longs: Number, defaults: true }) as Written;
    const texts = profile.stringTable;
    assert.equal(texts[0], "");
    assert.equal(new Set(texts).size, texts.length);
    const named = profile.function.map(({ id, name }) => [id, texts[name]]);
    assert.deepEqual(named, [
      [1, "inner"],
      [2, "outer"],
    ]);
    assert.deepEqual(
      profile.sample.map(({ locationId, value }) => ({ locationId, value })),
      [
        { locationId: [1, 2], value: [5_000] },
        { locationId: [2], value: [7_000] },
      ],
    );
    assert.equal(profile.timeNanos, 1_000_000_000);
    assert.equal(profile.durationNanos, 20_000_000);
    assert.equal(profile.period, 1_000_000);
  });
});
