import { strict as assert } from "node:assert";
import { join } from "node:path";
import protobuf from "protobufjs";
import type { Message } from "../../../base/protobuf.ts";
import * as messages from "./messages.ts";

const { runtimeCalls, imageCalls, getEventsRequest, containerEventResponse } = messages;
const root = new protobuf.Root();
root.resolvePath = (_origin, target) => join(import.meta.dirname, target);
root.loadSync("cri.proto", { keepCase: true }).resolveAll();

const wireTypes: Readonly<Record<string, number>> = { string: 2, bytes: 2 };
const flat = (name: string) => name.replaceAll("_", "").toLowerCase();

/** Numbers, kinds and repetition of a table and of the definition, and of what both hold. */
function compare(table: Message<object>, type: protobuf.Type, seen: Set<string>): void {
  if (seen.has(type.fullName)) return;
  seen.add(type.fullName);
  const defined = type.fieldsArray.map((field) => {
    const isMessage = field.map || field.resolvedType instanceof protobuf.Type;
    const wireType = isMessage ? 2 : (wireTypes[field.type] ?? 0);
    return { name: flat(field.name), number: field.id, wireType, isMany: field.repeated || field.map };
  });
  const told = Object.entries(table.fields).map(([name, field]) => ({
    name: flat(name),
    number: field.number,
    wireType: field.wireType,
    isMany: field.shape === "repeated",
  }));
  const sorted = (rows: { number: number }[]) => [...rows].sort((a, b) => a.number - b.number);
  assert.deepEqual(sorted(told), sorted(defined), type.fullName);
  for (const field of type.fieldsArray) {
    if (field.map || !(field.resolvedType instanceof protobuf.Type)) continue;
    const entry = Object.entries(table.fields).find(([name]) => flat(name) === flat(field.name))?.[1];
    assert.ok(entry?.json.kind === "message", field.fullName);
    compare(entry.json.type(), field.resolvedType, seen);
  }
}

describe("the CRI's messages", () => {
  for (const [service, calls] of [
    ["RuntimeService", { ...runtimeCalls, GetContainerEvents: [getEventsRequest, containerEventResponse] }],
    ["ImageService", imageCalls],
  ] as const)
    it(`of ${service} are as they are defined`, () => {
      const methods = root.lookupService(`runtime.v1.${service}`).methodsArray;
      assert.deepEqual(methods.map(({ name }) => name).sort(), Object.keys(calls).sort());
      const seen = new Set<string>();
      for (const method of methods) {
        method.resolve();
        const [asked, answered] =
          (calls as Readonly<Record<string, readonly Message<object>[]>>)[method.name] ?? [];
        assert.ok(asked && answered && method.resolvedRequestType && method.resolvedResponseType);
        compare(asked, method.resolvedRequestType, seen);
        compare(answered, method.resolvedResponseType, seen);
      }
      assert.ok(seen.size > 10);
    });
});
