import assert from "node:assert/strict";
import { startTestApiserver, type TestApiserver } from "../testing.ts";

const group = "big.example.com";
const numbers = `/apis/${group}/v1/numbers`;
const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

/** As text: JavaScript cannot say such numbers. */
const properties = `{
  "whole": {"type": "integer"}, "int32": {"type": "integer", "format": "int32"}, "int64": {"type": "integer", "format": "int64"},
  "any": {"type": "number"}, "float": {"type": "number", "format": "float"}, "double": {"type": "number", "format": "double"},
  "least": {"type": "integer", "minimum": 10}, "most": {"type": "integer", "maximum": 1000},
  "multiple": {"type": "integer", "multipleOf": 7},
  "one": {"type": "integer", "enum": [9223372036854775807, 1]},
  "set": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "integer"}},
  "map": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"],
    "items": {"type": "object", "required": ["k"], "properties": {"k": {"type": "integer"}, "v": {"type": "string"}}}},
  "list": {"type": "array", "items": {"type": "integer"}},
  "text": {"type": "string"}, "port": {"x-kubernetes-int-or-string": true},
  "fixed": {"type": "integer", "x-kubernetes-validations": [{"rule": "self == oldSelf", "message": "is fixed"}]},
  "ruled": {"type": "integer", "maximum": 9223372036854775000,
    "x-kubernetes-validations": [{"rule": "self != 9223372036854774807", "message": "not this one"}]},
  "defaulted": {"type": "integer", "default": 9223372036854775806},
  "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}
}`;
const definition = `{"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
  "metadata": {"name": "numbers.${group}"},
  "spec": {"group": "${group}", "scope": "Cluster", "names": {"plural": "numbers", "kind": "Number"},
    "versions": [{"name": "v1", "served": true, "storage": true,
      "additionalPrinterColumns": [{"name": "Whole", "type": "integer", "jsonPath": ".spec.whole"},
        {"name": "List", "type": "string", "jsonPath": ".spec.list"}],
      "selectableFields": [{"jsonPath": ".spec.whole"}],
      "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": {"type": "object", "properties": ${properties}}}}}}]}}`;

const unchecked =
  "<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation";

describe("whole numbers of 64 bits in custom resources", () => {
  let server: TestApiserver;
  const call = (method: string, path: string, body?: string, type = "application/json") =>
    server.admin.call(method, path, body === undefined ? {} : { body: Buffer.from(body), type });
  const number = (name: string, spec: string) =>
    `{"apiVersion":"${group}/v1","kind":"Number","metadata":{"name":"${name}"},"spec":${spec}}`;
  let made = 0;
  const create = (spec: string) => call("POST", numbers, number(`n${made++}`, spec));

  before(async () => {
    server = await startTestApiserver();
    const { code, text } = await call("POST", definitions, definition);
    assert.equal(code, 201, text);
    while ((await call("GET", numbers)).code !== 200) await new Promise(setImmediate);
  });
  after(() => server.stop());

  for (const spec of [
    '{"whole":9223372036854775807}',
    '{"whole":-9223372036854775808}',
    '{"int64":9223372036854775807}',
    '{"any":9223372036854775807}',
    '{"float":9223372036854775807}',
    '{"double":9223372036854775807}',
    '{"multiple":9223372036854775800}',
    '{"one":9223372036854775807}',
    '{"set":[9223372036854775807,9223372036854775806]}',
    '{"map":[{"k":9223372036854775807},{"k":9223372036854775806}]}',
    '{"list":[9223372036854775807,1]}',
    '{"port":9223372036854775807}',
    '{"fixed":9223372036854775807}',
    '{"free":{"a":[9007199254740993],"b":-9007199254740993,"c":1e+30}}',
  ])
    it(`are kept as they came: ${spec}`, async () => {
      const { code, text, body } = await create(spec);
      assert.equal(code, 201, text);
      const whole = `"spec":${spec.slice(0, -1)},"defaulted":9223372036854775806}`;
      assert.ok(text.includes(whole), text);
      const read = await call("GET", `${numbers}/${body.metadata.name}`);
      assert.ok(read.text.includes(whole), read.text);
    });

  // What a kube-apiserver 1.36 answers.
  for (const [spec, problems] of [
    [
      '{"whole":9223372036854775808}',
      `[spec.whole: Invalid value: "number": spec.whole in body must be of type integer: "number", <nil>: Invalid value: "": Checked value must be of type integer (default format) in spec.whole, ${unchecked}]`,
    ],
    [
      '{"int32":9223372036854775807}',
      '<nil>: Invalid value: "": Checked value must be of type integer with format int32 in spec.int32',
    ],
    [
      '{"least":-9223372036854775807}',
      "spec.least: Invalid value: -9223372036854775807: spec.least in body should be greater than or equal to 10",
    ],
    [
      '{"most":9223372036854775807}',
      "spec.most: Invalid value: 9223372036854775807: spec.most in body should be less than or equal to 1000",
    ],
    [
      '{"multiple":9223372036854775806}',
      "spec.multiple: Invalid value: 9223372036854775806: spec.multiple in body should be a multiple of 7",
    ],
    [
      '{"one":9223372036854775806}',
      `[spec.one: Unsupported value: 9223372036854775806: supported values: "9223372036854775807", "1", ${unchecked}]`,
    ],
    [
      '{"set":[9223372036854775807,9223372036854775807]}',
      "spec.set[1]: Duplicate value: 9223372036854775807",
    ],
    [
      '{"map":[{"k":9223372036854775807},{"k":9223372036854775807}]}',
      'spec.map[1]: Duplicate value: {"k":9223372036854775807}',
    ],
    [
      '{"text":9223372036854775807}',
      `[spec.text: Invalid value: "integer": spec.text in body must be of type string: "integer", ${unchecked}]`,
    ],
    [
      '{"ruled":9223372036854774807}',
      "[spec.ruled: Invalid value: 9223372036854774807: spec.ruled in body should be less than or equal to 9223372036854774784, spec.ruled: Invalid value: 9223372036854774807: not this one]",
    ],
    [
      '{"ruled":9223372036854774808}',
      "spec.ruled: Invalid value: 9223372036854774808: spec.ruled in body should be less than or equal to 9223372036854774784",
    ],
  ] as const)
    it(`are refused for what they are: ${spec}`, async () => {
      const { code, body } = await create(spec);
      assert.equal(code, 422);
      const listed = (text: string) =>
        text
          .slice(text.indexOf(" is invalid: ") + 13)
          .replace(/^\[|\]$/g, "")
          .split(/, (?=\S+: )/)
          .sort();
      assert.deepEqual(listed(body.message), listed(` is invalid: ${problems}`));
    });

  it("are seen by rules as they are, in updates too", async () => {
    const { text, body } = await create('{"fixed":9223372036854775807}');
    const changed = text.replace('"fixed":9223372036854775807', '"fixed":9223372036854775806');
    const refused = await call("PUT", `${numbers}/${body.metadata.name}`, changed);
    assert.match(refused.body.message, /spec\.fixed: Invalid value: 9223372036854775806: is fixed$/);
    assert.equal((await call("PUT", `${numbers}/${body.metadata.name}`, text)).code, 200);
  });

  it("come through every patch, and count as changed where they differ in the last digit", async () => {
    const { body } = await create('{"whole":9223372036854775807}');
    const at = `${numbers}/${body.metadata.name}?fieldManager=m`;
    const merged = await call(
      "PATCH",
      at,
      '{"spec":{"whole":9223372036854775806,"free":{"z":-9223372036854775805}}}',
      "application/merge-patch+json",
    );
    assert.equal(merged.body.metadata.generation, 2);
    assert.match(merged.text, /"whole":9223372036854775806\b/);
    assert.match(merged.text, /"z":-9223372036854775805\b/);
    const operations = (tested: string) =>
      `[{"op":"test","path":"/spec/whole","value":${tested}},{"op":"copy","from":"/spec/whole","path":"/spec/int64"},{"op":"add","path":"/spec/list","value":[9007199254740993]}]`;
    const patched = await call("PATCH", at, operations("9223372036854775806"), "application/json-patch+json");
    assert.match(patched.text, /"int64":9223372036854775806\b/);
    assert.match(patched.text, /"list":\[9007199254740993\]/);
    const unfit = await call("PATCH", at, operations("9223372036854775807"), "application/json-patch+json");
    assert.equal(unfit.code, 422);
  });

  it("are applied, owned and told in conflicts, from YAML too", async () => {
    const manifest = (spec: string) =>
      `apiVersion: ${group}/v1\nkind: Number\nmetadata:\n  name: applied\nspec:\n${spec}`;
    const apply = (manager: string, spec: string) =>
      call(
        "PATCH",
        `${numbers}/applied?fieldManager=${manager}`,
        manifest(spec),
        "application/apply-patch+yaml",
      );
    const first = await apply(
      "a",
      "  whole: -9223372036854775807\n  set: [9223372036854775807, 0x7ffffffffffffffe]\n  map:\n  - {k: +9223372036854775807, v: x}\n",
    );
    assert.equal(first.code, 201, first.text);
    assert.match(first.text, /"set":\[9223372036854775807,9223372036854775806\]/);
    assert.match(first.text, /"k:\{\\"k\\":9223372036854775807\}":/);
    assert.match(first.text, /"v:9223372036854775806":\{\},"v:9223372036854775807":\{\}/);
    const other = await apply(
      "b",
      "  whole: -9223372036854775806\n  set: [9223372036854775805]\n  map:\n  - {k: 9223372036854775807, v: z}\n",
    );
    assert.deepEqual(
      [other.code, other.body.details.causes.map(({ field }: { field: string }) => field)],
      [409, [".spec.whole", ".spec.map[k=9223372036854775807].v"]],
    );
    const without = await apply("a", "  whole: -9223372036854775807\n  set: [9223372036854775806]\n");
    assert.match(without.text, /"set":\[9223372036854775806\]/);
    assert.doesNotMatch(without.text, /"k":/);
  });

  it("are listed, selected by, watched and shown in tables and YAML", async () => {
    const { body } = await create('{"whole":9223372036854775799,"list":[9223372036854775801]}');
    const { name, resourceVersion } = body.metadata;
    const selector = "fieldSelector=spec.whole=9223372036854775799";
    const list = await call("GET", `${numbers}?${selector}`);
    assert.equal(list.body.items.length, 1);
    assert.match(list.text, /"whole":9223372036854775799\b/);
    assert.equal(
      (await call("GET", `${numbers}?fieldSelector=spec.whole=9223372036854775800`)).body.items.length,
      0,
    );
    await call("DELETE", `${numbers}/${name}`);
    const watched = await call(
      "GET",
      `${numbers}?watch=1&timeoutSeconds=1&${selector}&resourceVersion=${Number(resourceVersion) - 1}`,
    );
    const types = watched.text
      .trim()
      .split("\n")
      .map((line) => [/"type":"(\w+)"/.exec(line)?.[1], /"whole":(\d+)/.exec(line)?.[1]]);
    assert.deepEqual(types, [
      ["ADDED", "9223372036854775799"],
      ["DELETED", "9223372036854775799"],
    ]);
    await call("POST", numbers, number(name, '{"whole":9223372036854775799,"list":[9223372036854775801]}'));
    const as = (accept: string) => server.admin.call("GET", `${numbers}/${name}`, { headers: { accept } });
    const table = await as("application/json;as=Table;v=v1;g=meta.k8s.io");
    assert.ok(
      table.text.includes(`"cells":["${name}",9223372036854775799,"[9223372036854775801]"]`),
      table.text,
    );
    assert.match((await as("application/yaml")).text, /whole: 9223372036854775799\n/);
  });

  it("stand in definitions and the documents made of them as they were given", async () => {
    const { text } = await call("GET", `${definitions}/numbers.${group}`);
    assert.match(text, /"enum":\[9223372036854775807,1\]/);
    assert.match(text, /"default":9223372036854775806\b/);
    const document = await call("GET", "/openapi/v3/apis/big.example.com/v1");
    assert.match(document.text, /"default":9223372036854775806\b/);
    assert.equal((await call("GET", "/openapi/v2")).code, 200);
  });
});
