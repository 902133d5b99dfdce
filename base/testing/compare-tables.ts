import { strict as assert } from "node:assert";
import protobuf from "protobufjs";
import type { Message } from "../protobuf.ts";

const wireTypes: Readonly<Record<string, number>> = { string: 2, bytes: 2 };
const flat = (name: string) => name.replaceAll("_", "").toLowerCase();

export type Calls = Readonly<Record<string, readonly Message<object>[]>>;

/** Reads a definition in protobuf's own language. */
export function readDefinition(path: string): protobuf.Root {
  const root = new protobuf.Root();
  root.resolvePath = (_origin, target) => target;
  root.loadSync(path, { keepCase: true }).resolveAll();
  return root;
}

/** Asserts that tables have exactly the methods of a service, and their messages the numbers, kinds and repetition of its. */
export function compareService(root: protobuf.Root, service: string, calls: Calls): void {
  const methods = root.lookupService(service).methodsArray;
  assert.deepEqual(methods.map(({ name }) => name).sort(), Object.keys(calls).sort());
  const seen = new Set<string>();
  for (const method of methods) {
    method.resolve();
    const [asked, answered] = calls[method.name] ?? [];
    assert.ok(asked && answered && method.resolvedRequestType && method.resolvedResponseType);
    compare(asked, method.resolvedRequestType, seen);
    compare(answered, method.resolvedResponseType, seen);
  }
}

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
    const entry = Object.entries(table.fields).find(([name]) => flat(name) === flat(field.name))?.[1];
    if (field.resolvedType instanceof protobuf.Enum && !field.map) {
      assert.ok(entry?.json.kind === "enum", field.fullName);
      assert.deepEqual({ ...entry.json.names }, { ...field.resolvedType.values }, field.fullName);
    }
    if (field.map || !(field.resolvedType instanceof protobuf.Type)) continue;
    assert.ok(entry?.json.kind === "message", field.fullName);
    compare(entry.json.type(), field.resolvedType, seen);
  }
}
