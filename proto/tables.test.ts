import assert from "node:assert/strict";
import { join } from "node:path";
import fc from "fast-check";
import protobuf from "protobufjs";
import { JsonNumber } from "../base/json-text.ts";
import type { Message } from "../base/protobuf.ts";
import { definedName, fromJson } from "../base/protobuf-json.ts";
import * as election from "./election.ts";
import * as etcd from "./etcd.ts";
import * as auth from "./etcd-auth.ts";
import * as authRequests from "./etcd-auth-requests.ts";
import * as cluster from "./etcd-cluster.ts";
import * as maintenance from "./etcd-maintenance.ts";
import { methods } from "./etcd-methods.ts";
import * as health from "./health.ts";
import * as lock from "./lock.ts";
import * as mvcc from "./mvcc.ts";
import * as raft from "./raft.ts";
import * as wal from "./wal.ts";

const files = ["election", "etcd", "health", "lock", "mvcc", "raft", "wal"].map((name) => `${name}.proto`);

/** Tables whose name is not the definition's with a small first letter. */
const otherNames: Readonly<Record<string, readonly string[]>> = {
  "raftpb.Message": ["raftMessage"],
  "walpb.Record": ["record"],
  "walpb.Snapshot": ["walSnapshot"],
  "walpb.Metadata": ["walMetadata"],
  "etcdserverpb.Attributes": ["memberAttributes"],
  "etcdserverpb.MemberRemoveResponse": ["membersResponse"],
  "etcdserverpb.MemberUpdateResponse": ["membersResponse"],
  "etcdserverpb.MemberListResponse": ["membersResponse"],
  "etcdserverpb.MemberPromoteResponse": ["membersResponse"],
  "etcdserverpb.AuthEnableResponse": ["authDoneResponse"],
  "etcdserverpb.AuthDisableResponse": ["authDoneResponse"],
  "etcdserverpb.AuthUserAddResponse": ["authDoneResponse"],
  "etcdserverpb.AuthUserDeleteResponse": ["authDoneResponse"],
  "etcdserverpb.AuthUserChangePasswordResponse": ["authDoneResponse"],
  "etcdserverpb.AuthUserGrantRoleResponse": ["authDoneResponse"],
  "etcdserverpb.AuthUserRevokeRoleResponse": ["authDoneResponse"],
  "etcdserverpb.AuthRoleAddResponse": ["authDoneResponse"],
  "etcdserverpb.AuthRoleDeleteResponse": ["authDoneResponse"],
  "etcdserverpb.AuthRoleGrantPermissionResponse": ["authDoneResponse"],
  "etcdserverpb.AuthRoleRevokePermissionResponse": ["authDoneResponse"],
  "etcdserverpb.HashKVRequest": ["hashKvRequest"],
  "etcdserverpb.HashKVResponse": ["hashKvResponse"],
};
const modules: Readonly<Record<string, readonly object[]>> = {
  etcdserverpb: [etcd, cluster, maintenance, auth, authRequests],
  mvccpb: [mvcc],
  raftpb: [raft],
  walpb: [wal],
  "grpc.health.v1": [health],
  v3lockpb: [lock],
  v3electionpb: [election],
};

const root = new protobuf.Root();
root.resolvePath = (_origin, target) => join(import.meta.dirname, target);
root.loadSync(files, { keepCase: true }).resolveAll();
const types = typesOf(root);

function typesOf(namespace: protobuf.NamespaceBase): protobuf.Type[] {
  return namespace.nestedArray.flatMap((inner) =>
    inner instanceof protobuf.Type ? [inner] : inner instanceof protobuf.Namespace ? typesOf(inner) : [],
  );
}

const nameOf = (type: protobuf.Type) => type.fullName.slice(1);

function tableOf(type: protobuf.Type): Message<object> {
  const full = nameOf(type);
  const names = otherNames[full] ?? [type.name[0]?.toLowerCase() + type.name.slice(1)];
  for (const module of modules[full.slice(0, full.lastIndexOf("."))] ?? [])
    for (const name of names) {
      const table: unknown = (module as Record<string, unknown>)[name];
      if (isTable(table)) return table;
    }
  throw new Error(`no table for ${full}`);
}

function isTable(value: unknown): value is Message<object> {
  return typeof value === "object" && value !== null && "fields" in value && "decode" in value;
}

/** Every 64-bit field that a client may fill in: those of requests and of what they hold. */
function clientFields(): { readonly type: protobuf.Type; readonly field: protobuf.Field }[] {
  const seen = new Set<protobuf.Type>();
  const visit = (type: protobuf.Type) => {
    if (seen.has(type)) return;
    seen.add(type);
    for (const { resolvedType } of type.fieldsArray)
      if (resolvedType instanceof protobuf.Type) visit(resolvedType);
  };
  for (const service of root.nestedArray.flatMap(servicesOf))
    for (const method of service.methodsArray) {
      method.resolve();
      if (method.resolvedRequestType) visit(method.resolvedRequestType);
    }
  return [...seen].flatMap((type) =>
    type.fieldsArray.filter((field) => /^u?int64$/.test(field.type)).map((field) => ({ type, field })),
  );
}

function servicesOf(inner: protobuf.ReflectionObject): protobuf.Service[] {
  if (inner instanceof protobuf.Service) return [inner];
  return inner instanceof protobuf.Namespace ? inner.nestedArray.flatMap(servicesOf) : [];
}

const flat = (name: string) => name.replaceAll("_", "").toLowerCase();

const wireTypes: Readonly<Record<string, number>> = {
  bytes: 2,
  string: 2,
  bool: 0,
  int32: 0,
  int64: 0,
  uint32: 0,
  uint64: 0,
};

/** Values of a definition; numbers stay small enough for both kinds of 64-bit fields and are positive, as on the wire. */
function arbitraryOf(type: protobuf.Type, depth: number): fc.Arbitrary<Record<string, unknown>> {
  const fields: Record<string, fc.Arbitrary<unknown>> = {};
  for (const field of type.fieldsArray) {
    const inner = field.resolvedType instanceof protobuf.Type ? field.resolvedType : undefined;
    if (inner !== undefined && depth === 0) continue;
    const one = inner ? arbitraryOf(inner, depth - 1) : scalarOf(field);
    fields[field.name] = field.repeated ? fc.array(one, { maxLength: 2 }) : one;
  }
  // What gogoproto always writes is not told from what is absent, so it is always there.
  const always = new Set(
    Object.values(tableOf(type).fields).flatMap((row) => (row.always ? [row.number] : [])),
  );
  const required = type.fieldsArray.filter((field) => always.has(field.id) && field.name in fields);
  return fc.record(fields, { requiredKeys: required.map((field) => field.name) });
}

function scalarOf(field: protobuf.Field): fc.Arbitrary<unknown> {
  if (field.resolvedType instanceof protobuf.Enum)
    return fc.constantFrom(...Object.values(field.resolvedType.values));
  switch (field.type) {
    case "bytes":
      return fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes));
    case "string":
      return fc.string({ maxLength: 20 });
    case "bool":
      return fc.boolean();
    case "int32":
    case "uint32":
      return fc.nat({ max: 2 ** 31 - 1 });
    default:
      return fc.maxSafeNat().map(String); // protobufjs reads 64-bit numbers from text
  }
}

describe("proto tables", () => {
  for (const type of types.filter((type) => /^(etcdserverpb|mvccpb|grpc)\./.test(nameOf(type))))
    it(`${nameOf(type)}: JSON uses the definition's names, and its oneofs exclude each other`, () => {
      const rows = Object.entries(tableOf(type).fields);
      assert.deepEqual(
        rows.map(([name, row]) => [row.number, definedName(name, row), row.oneOf]).sort(),
        type.fieldsArray.map((field) => [field.id, field.name, field.partOf?.name]).sort(),
      );
    });

  for (const { type, field } of clientFields())
    it(`${nameOf(type)}.${field.name}: survives the whole range of ${field.type}`, () => {
      const signed = field.type === "int64";
      const [min, max] = signed ? [-(2n ** 63n), 2n ** 63n - 1n] : [0n, 2n ** 64n - 1n];
      const found = Object.entries(tableOf(type).fields).find(([, row]) => row.number === field.id);
      assert.ok(found !== undefined);
      const [name, row] = found;
      const any = fc.oneof(fc.bigInt({ min, max }), fc.constantFrom(min, max, 2n ** 53n, 2n ** 53n + 1n));
      // What is stored and counted lies within this.
      const safe = fc.bigInt({
        min: BigInt(Number.MIN_SAFE_INTEGER) + 1n,
        max: BigInt(Number.MAX_SAFE_INTEGER) - 1n,
      });
      fc.assert(
        fc.property(any, safe, (value, stored) => {
          const wire = type.encode(type.fromObject({ [field.name]: String(value) })).finish();
          const read = (tableOf(type).decode(wire) as Record<string, unknown>)[name] as bigint | number;
          if (row.json.kind === "long" && row.json.as === "exact") assert.equal(read, value);
          else assert.deepEqual([read < stored, read > stored], [value < stored, value > stored]);
          const json = fromJson(tableOf(type), new Map([[field.name, new JsonNumber(String(value))]]));
          assert.equal((json as Record<string, unknown>)[name], read);
        }),
      );
    });

  for (const type of types) {
    it(`${nameOf(type)}: same numbers, names and types as the definition`, () => {
      const rows = tableOf(type).fields;
      const shapes = (list: readonly (readonly [string, number, string, number])[]) =>
        [...list].sort((a, b) => a[1] - b[1]);
      assert.deepEqual(
        shapes(Object.entries(rows).map(([name, row]) => [flat(name), row.number, row.shape, row.wireType])),
        shapes(
          type.fieldsArray.map((field) => {
            const wireType = field.resolvedType instanceof protobuf.Enum ? 0 : (wireTypes[field.type] ?? 2);
            return [flat(field.name), field.id, field.repeated ? "repeated" : "single", wireType];
          }),
        ),
      );
    });

    it(`${nameOf(type)}: bytes of one mean the same to the other, both ways`, () => {
      const table = tableOf(type);
      const same = fc.property(arbitraryOf(type, 3), (value) => {
        const theirs = type.encode(type.fromObject(value)).finish();
        const ours = table.encode(table.decode(theirs));
        assert.deepEqual(plain(type, ours), plain(type, theirs));
      });
      fc.assert(same, { numRuns: 40 });
    });
  }

  it("methods: paths, messages and streams are those of the definitions", () => {
    const served = Object.values(methods).map(({ path, kind, request, response }) => ({
      path,
      kind,
      request: request as Message<object>,
      response: response as Message<object>,
    }));
    const defined = ["etcdserverpb.KV", "etcdserverpb.Watch", "etcdserverpb.Lease", "etcdserverpb.Cluster"]
      .concat("etcdserverpb.Maintenance", "etcdserverpb.Auth", "grpc.health.v1.Health")
      .concat("v3lockpb.Lock", "v3electionpb.Election")
      .flatMap((service) =>
        root.lookupService(service).methodsArray.map((method) => {
          method.resolve();
          const { requestStream = false, responseStream = false } = method;
          const kind = requestStream ? "bidiStream" : responseStream ? "serverStream" : "unary";
          assert.ok(method.resolvedRequestType && method.resolvedResponseType);
          const request = tableOf(method.resolvedRequestType);
          return {
            path: `/${service}/${method.name}`,
            kind,
            request,
            response: tableOf(method.resolvedResponseType),
          };
        }),
      );
    assert.deepEqual(served.map((one) => one.path).sort(), defined.map((one) => one.path).sort());
    for (const one of defined) {
      const ours = served.find(({ path }) => path === one.path);
      assert.equal(ours?.kind, one.kind);
      assert.deepEqual(numbers(ours?.request), numbers(one.request), one.path);
      assert.deepEqual(numbers(ours?.response), numbers(one.response), one.path);
    }
  });

  it("raftpb.ConfState: ids are read packed and one by one, as protobufjs does, and written one by one", () => {
    const wire = Uint8Array.of(0x0a, 2, 5, 6, 0x08, 7, 0x12, 1, 8);
    const ids = ({ voters, learners }: { readonly voters?: unknown; readonly learners?: unknown }) =>
      [voters, learners].map((list) => (list as (bigint | number | { toString(): string })[]).map(Number));
    const theirs = root.lookupType("raftpb.ConfState").decode(wire) as object;
    const ours = raft.confState.decode(wire);
    assert.deepEqual(ids(ours), [[5, 6, 7], [8]]);
    assert.deepEqual(ids(ours), ids(theirs));
    assert.deepEqual([...raft.confState.encode(ours)], [8, 5, 8, 6, 8, 7, 16, 8, 40, 0]);
  });
});

const numbers = (table: Message<object> | undefined) =>
  Object.entries(table?.fields ?? {}).map(([name, row]) => [name, row.number]);

function plain(type: protobuf.Type, bytes: Uint8Array): unknown {
  // Presence of a proto2 scalar at its default is not meaning: gogoproto always writes it, protobufjs only when set.
  return type.toObject(type.decode(bytes), { longs: String, bytes: String, defaults: true });
}
