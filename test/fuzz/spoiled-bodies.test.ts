import assert from "node:assert/strict";
import fc from "fast-check";
import { isStored } from "../../controlplane/apiserver/registry/kind-table.ts";
import { kinds } from "../../controlplane/apiserver/resources/table.ts";
import { good } from "../../controlplane/apiserver/resources/testing/good-objects.ts";
import { startTestApiserver, type TestApiserver } from "../../controlplane/apiserver/testing.ts";
import { assertAnsweredWell } from "./answered-well.ts";
import { propertyMs, runs } from "./runs.ts";

const protobuf = "application/vnd.kubernetes.protobuf";

/** An object of a kind as it is stored, and where it is. */
interface Stored {
  readonly kind: string;
  readonly collection: string;
  readonly path: string;
  readonly object: object;
  /** In Kubernetes' protobuf. */
  readonly encoded: Buffer;
}

/** What is done to bytes at a place, from 0 to 1 of all. */
interface Change {
  readonly at: number;
  readonly how: "flip" | "cut" | "double" | "insert" | "length";
  readonly byte: number;
  readonly length: number;
}
const change: fc.Arbitrary<Change> = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  how: fc.constantFrom("flip", "cut", "double", "insert", "length"),
  byte: fc.nat(255),
  length: fc.nat(40),
});

/** A varint that says 2^63 - 1, or that never ends. */
const lengths = [
  Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]),
  Buffer.alloc(12, 0x80),
  Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f]),
];

function changed(bytes: Buffer, { at, how, byte, length }: Change): Buffer {
  const place = Math.floor(at * bytes.length);
  const [before, after] = [bytes.subarray(0, place), bytes.subarray(place)];
  switch (how) {
    case "flip":
      return Buffer.concat([before, Buffer.from([(after[0] ?? 0) ^ byte]), after.subarray(1)]);
    case "cut":
      return Buffer.concat([before, after.subarray(length)]);
    case "double":
      return Buffer.concat([before, after.subarray(0, length), after]);
    case "insert":
      return Buffer.concat([before, Buffer.alloc(length, byte), after]);
    case "length":
      return Buffer.concat([before, lengths[byte % lengths.length] ?? before, after.subarray(1)]);
  }
}

/** A value that fields of most types do not have, and names that mean something to patches or to JavaScript. */
const oddValue = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    -1,
    1.5,
    2 ** 53,
    1e300,
    "",
    "x",
    [],
    {},
    [null],
    [[]],
    [{}],
    "\ud800",
  ),
  fc.constantFrom<unknown>({ $patch: "delete" }, { $patch: "replace" }, { $patch: 1 }, [{ $patch: "merge" }]),
  fc.constantFrom<unknown>({ $retainKeys: ["name"] }, { $retainKeys: 1 }, { "$setElementOrder/x": [{}] }),
  fc.constantFrom<unknown>(
    { "$setElementOrder/containers": [{ name: 1 }] },
    { "$deleteFromPrimitiveList/x": {} },
  ),
  fc.constantFrom<unknown>(
    JSON.parse('{"__proto__":{"a":1}}'),
    { constructor: { prototype: {} } },
    { "": {} },
  ),
  fc.jsonValue({ maxDepth: 3 }),
);
const oddName = fc.constantFrom(
  ...["$patch", "$retainKeys", "$setElementOrder/ports", "$deleteFromPrimitiveList/finalizers", "__proto__"],
  ...["constructor", "toString", "", "a/b", "~", "0", "-1", "\0", "f:spec", "."],
);

/** Where in an object something is, chosen by numbers of chance. */
function placeIn(object: unknown, choices: readonly number[]): readonly string[] {
  const [choice, ...more] = choices;
  if (choice === undefined || typeof object !== "object" || object === null) return [];
  const entries = Object.entries(object);
  const found = entries[choice % Math.max(entries.length, 1)];
  return found === undefined ? [] : [found[0], ...placeIn(found[1], more)];
}
const choices = fc.array(fc.nat(50), { minLength: 1, maxLength: 7 });

/** The object with only what leads to the place, and the value there: a patch. */
function only(object: unknown, [name, ...more]: readonly string[], value: unknown): unknown {
  if (name === undefined) return value;
  const inner = only((object as Record<string, unknown> | undefined)?.[name], more, value);
  return Array.isArray(object)
    ? [{ ...(object[Number(name)] as object), ...(inner as object) }]
    : { [name]: inner };
}

function replaced(object: unknown, [name, ...more]: readonly string[], value: unknown): unknown {
  if (name === undefined) return value;
  const copy = (Array.isArray(object) ? [...object] : { ...(object as object) }) as Record<string, unknown>;
  copy[name] = replaced(copy[name], more, value);
  return copy;
}

describe("spoiled bodies", function () {
  this.timeout(propertyMs);
  let server: TestApiserver;
  const all: Stored[] = [];

  before(async () => {
    server = await startTestApiserver();
    await server.admin.call("POST", "/api/v1/namespaces", { body: { metadata: { name: "spoiled" } } });
    for (const kind of kinds.filter((one) => isStored(one) && one.hidesOwnForm !== true)) {
      // What is stored of these would change how all others are answered.
      if (/^(admissionregistration|apiregistration|flowcontrol)\./.test(kind.group)) continue;
      const apiVersion = kind.group === "" ? kind.version : `${kind.group}/${kind.version}`;
      const root = kind.group === "" ? `/api/${kind.version}` : `/apis/${apiVersion}`;
      const collection = `${root}${kind.namespaced ? "/namespaces/spoiled" : ""}/${kind.plural}`;
      const body = { apiVersion, kind: kind.kind, ...good[kind.kind], metadata: { name: "obj" } };
      const { code, body: object } = await server.admin.call("POST", collection, { body });
      if (code !== 201) continue;
      const path = `${collection}/obj`;
      const { bytes } = await server.admin.call("GET", path, { accept: protobuf });
      all.push({ kind: kind.kind, collection, path, object, encoded: bytes });
    }
    assert.ok(all.length > 40, `only ${all.length} kinds`);
  });
  after(async () => {
    assert.equal((await server.admin.call("GET", "/livez")).text, "ok");
    await server.stop();
  });
  const stored = fc.nat().map((at) => all[at % all.length] as Stored);
  const dryRun = "dryRun=All";

  it("of protobuf are taken or refused, never a fault", async () => {
    const codes = new Set<number>();
    await fc.assert(
      fc.asyncProperty(
        stored,
        fc.array(change, { minLength: 1, maxLength: 4 }),
        fc.boolean(),
        async ({ kind, collection, path, encoded }, changes, isNew) => {
          // The envelope's first bytes decide whether it is read at all.
          const body = Buffer.concat([encoded.subarray(0, 4), changes.reduce(changed, encoded.subarray(4))]);
          const [method, to] = isNew ? ["POST", collection] : ["PUT", path];
          const answer = await server.admin.call(method, `${to}?${dryRun}`, { body, type: protobuf });
          codes.add(answer.code);
          assertAnsweredWell(answer, `${method} ${kind} ${body.toString("base64")}`);
        },
      ),
      runs(300),
    );
    assert.ok(codes.has(400), `only ${[...codes]} were answered`);
  });

  it("of JSON with something odd anywhere are taken or refused, never a fault", async () => {
    await fc.assert(
      fc.asyncProperty(
        stored,
        choices,
        oddValue,
        async ({ kind, collection, path, object }, where, value) => {
          const place = placeIn(object, where);
          const body = replaced(object, place, value);
          const about = `${kind} ${place.join(".")} ${JSON.stringify(value)}`;
          const text = JSON.stringify(body) ?? "null";
          for (const [method, to] of [
            ["PUT", path],
            ["POST", collection],
          ] as const) {
            const answer = await server.admin.call(method, `${to}?${dryRun}`, { body: text });
            assertAnsweredWell(answer, `${method} ${about}`);
          }
        },
      ),
      runs(100),
    );
  });

  it("of patches of each type, at a place of the object or beside it, are taken or refused, never a fault", async () => {
    const types = ["merge-patch+json", "strategic-merge-patch+json", "apply-patch+yaml"];
    await fc.assert(
      fc.asyncProperty(
        stored,
        choices,
        fc.option(oddName),
        oddValue,
        async ({ kind, path, object }, where, name, value) => {
          const found = placeIn(object, where);
          const place = name === null ? found : [...found.slice(0, -1), name];
          const patch = only(object, place, value);
          const { apiVersion } = object as { readonly apiVersion: string };
          const named = { apiVersion, kind, metadata: { name: "obj" }, ...(patch as object) };
          for (const type of types) {
            const isApply = type.startsWith("apply");
            const answer = await server.admin.call(
              "PATCH",
              `${path}?${dryRun}${isApply ? "&fieldManager=m&force=true" : ""}`,
              { body: JSON.stringify(isApply ? named : patch) ?? "null", type: `application/${type}` },
            );
            assertAnsweredWell(answer, `${type} ${kind} ${JSON.stringify(patch)}`);
          }
          const pointer = place
            .map((part) => `/${part.replaceAll("~", "~0").replaceAll("/", "~1")}`)
            .join("");
          for (const op of ["add", "replace", "test", "remove", "copy", "move"]) {
            const body = [{ op, path: pointer, from: "/metadata", value }];
            const type = "application/json-patch+json";
            const answer = await server.admin.call("PATCH", `${path}?${dryRun}`, { body, type });
            assertAnsweredWell(answer, `${kind} ${JSON.stringify(body)}`);
          }
        },
      ),
      runs(40),
    );
  });

  const bombs: readonly (readonly [what: string, text: string])[] = [
    ["aliases of aliases", aliases(30)],
    ["merged keys of aliases of aliases", merges(30)],
    ["a list in itself", "a: &a [*a]\n"],
    ["a merge of itself", "a: &a {<<: *a}\n"],
    ["an anchor that is not there", "a: *b\n"],
    ["a tag of Python's", "a: !!python/object/apply:os.system ['id']\n"],
    ["a tag of JavaScript's", "a: !!js/function 'function(){}'\n"],
    ["binary that is none", "a: !!binary '%%%'\n"],
    ["keys that are no text", "? [a]\n: b\n? {c: d}\n: e\n"],
    ["a key of JavaScript's", "__proto__: {a: b}\nconstructor: {prototype: {c: d}}\n"],
    ["many documents", "---\na: b\n".repeat(10_000)],
    ["deep flow", `a: ${"[".repeat(100_000)}`],
    ["deep blocks", Array.from({ length: 2000 }, (_, at) => `${" ".repeat(at)}a:`).join("\n")],
    ["a long key", `? ${"x".repeat(100_000)}\n: y\n`],
    ["a number like a sexagesimal", "a: 190:20:30\nb: 0o7\nc: .inf\nd: -.nan\n"],
    ["directives", "%YAML 9.9\n%TAG ! tag:x\n---\na: b\n"],
  ];
  for (const [what, yaml] of bombs)
    it(`of YAML with ${what} are taken or refused, never a fault`, async () => {
      const head = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: bomb}\n";
      for (const body of [head + yaml, `${head}data:\n${yaml.replaceAll(/^/gm, " ")}`, yaml]) {
        const path = "/api/v1/namespaces/spoiled/configmaps";
        const made = await server.admin.call("POST", `${path}?${dryRun}`, { body, type: "application/yaml" });
        assertAnsweredWell(made, what);
        const applied = await server.admin.call("PATCH", `${path}/obj?${dryRun}&fieldManager=m`, {
          body,
          type: "application/apply-patch+yaml",
        });
        assertAnsweredWell(applied, what);
      }
    });
});

/** Ten times the line before in each line. */
function aliases(lines: number): string {
  const line = (at: number) =>
    `a${at}: &a${at} [${Array(10)
      .fill(`*a${at - 1}`)
      .join(",")}]\n`;
  return `a0: &a0 x\n${Array.from({ length: lines }, (_, at) => line(at + 1)).join("")}`;
}

function merges(lines: number): string {
  const line = (at: number) =>
    `a${at}: &a${at} {<<: [${Array(10)
      .fill(`*a${at - 1}`)
      .join(",")}], b${at}: x}\n`;
  return `a0: &a0 {b: x}\n${Array.from({ length: lines }, (_, at) => line(at + 1)).join("")}`;
}
