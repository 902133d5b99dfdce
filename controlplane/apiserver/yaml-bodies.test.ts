import assert from "node:assert/strict";
import { load } from "js-yaml";
import { plainValue } from "./schema/yaml-words.ts";
import { startTestApiserver, type TestApiserver } from "./testing.ts";
import { configMaps } from "./testing-objects.ts";

const noText = (type: string) =>
  `ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal ${type} into Go struct field ConfigMap.data of type string`;
const strict = (problem: string) =>
  `ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: ${problem}`;

/** Answers of a kube-apiserver of 1.36 to a ConfigMap with this as a value. */
const values: Readonly<Record<string, readonly string[]>> = {
  bool: "yes no on off y n Y N Yes TRUE True NO Off".split(" "),
  number:
    "0777 0o777 0x1F 0b101 -0b11 1_000 1_0.5 1e3 1e+3 .5 5. +12 -0 007 08 09.5 0_8 1_ 0x_1 1__0 99999999999999999999".split(
      " ",
    ),
};
const texts: readonly (readonly [written: string, read: string])[] = [
  ...["1:30", "190:20:30.15", "2001-12-14", "2001-12-14T21:59:43Z", "_1", "+", ".", "0xg", "0x", "<<"].map(
    (word) => [word, word] as const,
  ),
  ["1.7976931348623159e309", "1.7976931348623159e309"],
  ["~", ""],
  ["Null", ""],
  ["'yes'", "yes"],
  ["!!str yes", "yes"],
  ["! on", "on"],
  ["!!binary aGVsbG8=", "hello"],
  ["!!timestamp 2001-12-14", "2001-12-14"],
  ["!mine x", "x"],
];
const keys: readonly (readonly [written: string, read: string])[] = [
  ["yes", "true"],
  ["no", "false"],
  ['"yes"', "yes"],
  ["0x10", "16"],
  ["0777", "511"],
  ["1_0", "10"],
  ["1.5", "1.5"],
  ["1e3", "1000"],
  [".inf", ".inf"],
  ["2001-12-14", "2001-12-14"],
  ["!!binary aGVsbG8=", "hello"],
];
const head = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: words\n";
const faults: readonly (readonly [body: string, message: string])[] = [
  [`${head}data:\n  a: .inf\n`, "json: unsupported value: +Inf"],
  [`${head}data:\n  a: .nan\n`, "json: unsupported value: NaN"],
  [`${head}data:\n  a: !!int x\n`, "yaml: cannot decode !!str `x` as a !!int"],
  [`${head}data:\n  a: !!binary '*'\n`, "yaml: !!binary value contains invalid base64 data"],
  [`${head}data:\n  a: *b\n`, "yaml: unknown anchor 'b' referenced"],
  [`${head}\tb: c\n`, "yaml: line 5: found a tab character that violates indentation"],
  [`%YAML 1.2\n---\n${head}`, "yaml: found incompatible YAML document"],
  [`...\n${head}`, "yaml: did not find expected node content"],
  [`# c\n\n... # d\n---\n${head}`, "yaml: line 2: did not find expected node content"],
  [`%YAML 1.1\n...\n${head}`, "yaml: line 1: did not find expected <document start>"],
  [`${head}data:\n  <<: 1\n`, "yaml: map merge requires map or sequence of maps as the value"],
];

describe("YAML from and to clients", () => {
  let server: TestApiserver;
  const post = (body: string, query = "") =>
    server.admin.call("POST", `${configMaps}?dryRun=All${query}`, { body, type: "application/yaml" });
  before(async () => {
    server = await startTestApiserver();
  });
  after(() => server.stop());

  for (const [what, body] of [
    ["a marker", `${head}---\n[bad`],
    ["an end", `${head}...\n[bad`],
    ["an end and a marker", `${head}...\n---\n[bad`],
    ["a marker with something beside it", `# c\n\n--- # d\n${head}--- {x\n`],
    ["a marker, where a directive stands first", `%YAML 1.1\n---\n${head}---\nx: [`],
    ["a marker within what would be a text", `${head}data:\n  a: |\n    x\n---\n    y: [\n`],
  ] as const)
    it(`reads nothing behind ${what}: the first document is all, as in Kubernetes`, async () => {
      const { code, text } = await post(body);
      assert.equal(code, 201, text);
    });

  for (const [type, words] of Object.entries(values))
    it(`has YAML 1.1's words for a ${type}: ${words.join(" ")}`, async () => {
      for (const word of words) {
        const answer = await post(`${head}data:\n  a: ${word}\n`);
        assert.deepEqual([word, answer.code, answer.body.message], [word, 400, noText(type)]);
      }
    });

  it("leaves dates, sexagesimal numbers and what is quoted or tagged texts", async () => {
    for (const [word, read] of texts) {
      const { body } = await post(`${head}data:\n  a: ${word}\n`);
      assert.deepEqual([word, body.data], [word, { a: read }]);
    }
  });

  it("reads zeros of any number in one go, where what stands behind them makes them no number", async () => {
    const word = `${"0".repeat(900_000)}9x`;
    const { body } = await post(`${head}data:\n  a: ${word}\n`);
    assert.equal(body.data.a, word);
    assert.equal(plainValue(`${"0".repeat(900_000)}7`), 7);
  });

  it("takes keys by what they mean", async () => {
    for (const [key, read] of keys) {
      const { body } = await post(`${head}data:\n  ${key}: v\n`);
      assert.deepEqual([key, body.data], [key, { [read]: "v" }]);
    }
    const { body } = await post(`${head}data:\n  ~: v\n`);
    assert.match(body.message, /unsupported map key of type: %!s\(<nil>\), key: <nil>/);
  });

  it("reads what Go's types take: a flag that is on, a mode in octal", async () => {
    const flag = await post(`${head}immutable: yes\n`);
    assert.equal(flag.body.immutable, true);
    assert.equal(plainValue("0644"), 420);
  });

  it("merges maps", async () => {
    const { body } = await post(`${head}x: &x\n  b: "1"\n  c: "3"\ndata:\n  <<: *x\n  b: "2"\n`);
    assert.deepEqual(body.data, { b: "2", c: "3" });
  });

  for (const [body, message] of faults)
    it(`refuses in the words of Kubernetes' library: ${message}`, async () => {
      const answer = await post(body);
      assert.equal(answer.code, 400);
      const shown = `the object provided is unrecognized (must be of type ConfigMap): ${message} (`;
      assert.equal(answer.body.message.slice(0, shown.length), shown);
    });

  it("warns of keys that stand twice unless told otherwise, and tells them first and as one when strict", async () => {
    const twice = `${head}data:\n  a: "1"\n  a: "2"\nfoo: 1\nbar: 2\n`;
    const lax = await post(twice);
    assert.deepEqual([lax.code, lax.body.data], [201, { a: "2" }]);
    const warnings = [
      '299 - "line 7: key \\"a\\" already set in map"',
      '299 - "unknown field \\"bar\\""',
      '299 - "unknown field \\"foo\\""',
    ];
    assert.equal(String(lax.headers.warning), warnings.join(", "));
    assert.equal((await post(twice, "&fieldValidation=Ignore")).headers.warning, undefined);
    const asked = await post(twice, "&fieldValidation=Strict");
    const lines = 'yaml: unmarshal errors:\n  line 7: key "a" already set in map';
    assert.equal(asked.body.message, strict(`${lines}, unknown field "bar", unknown field "foo"`));
  });

  it("knows keys for the same by what they mean, on the line of the later value", async () => {
    const asked = (body: string) => post(`${head}${body}`, "&fieldValidation=Strict");
    const same = await asked('data:\n  "true": "1"\n  yes: "2"\n  on: "3"\n');
    assert.match(same.body.message, /line 8: key true already set in map$/);
    const other = await asked('data:\n  "yes": "1"\n  yes: "2"\n');
    assert.deepEqual(other.body.data, { yes: "1", true: "2" });
    const block = await asked('data:\n  a: "1"\nmetadata:\n  name: other\n');
    assert.match(block.body.message, /line 8: key "metadata" already set in map$/);
  });

  it("warns of keys that stand twice in JSON too, unless told otherwise", async () => {
    const body =
      '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"n"},"data":{"a":"1","a":"\\":\\":"}}';
    const json = (query: string) =>
      server.admin.call("POST", `${configMaps}?dryRun=All${query}`, { body, type: "application/json" });
    assert.equal((await json("")).headers.warning, '299 - "duplicate field \\"data.a\\""');
    assert.equal((await json("&fieldValidation=Ignore")).headers.warning, undefined);
    assert.equal((await json("&fieldValidation=Strict")).body.message, strict('duplicate field "data.a"'));
  });

  it("quotes no point that stands alone, the name of an object's own place among managed fields", async () => {
    const data = { point: ".", number: "1.", fraction: ".5", words: "._" };
    const body = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "points" }, data };
    const { text } = await server.admin.call("POST", `${configMaps}?dryRun=All`, {
      body,
      accept: "application/yaml",
    });
    assert.match(text, /data:\n {2}fraction: "\.5"\n {2}number: "1\."\n {2}point: \.\n {2}words: \._\n/);
    assert.match(text, /\n {6}f:data:\n {8}\.: \{\}\n/);
  });

  it("gives every text so that YAML 1.1 reads it again, and never by reference", async () => {
    const words = [
      "yes",
      "0777",
      "1_000",
      "~",
      "",
      "1:30",
      "2001-12-14",
      ".inf",
      "0x1F",
      "a: b",
      "- x",
      "#c",
      "é\n\tz",
      "<<",
    ];
    const data = Object.fromEntries(words.map((word, at) => [`k${at}`, word]));
    const body = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "words" }, data };
    await server.admin.call("POST", configMaps, { body });
    const { text } = await server.admin.call("GET", `${configMaps}/words`, { accept: "application/yaml" });
    const again = await post(
      text
        .replaceAll(/^ {2}(resourceVersion|uid|creationTimestamp):.*\n/gm, "")
        .replace("name: words", "name: again"),
    );
    assert.deepEqual(again.body.data, data);
    for (const path of ["/apis", "/apis/apps", "/apis/apps/v1", "/api/v1", "/api/v1/namespaces"]) {
      const yaml = await server.admin.call("GET", path, { accept: "application/yaml" });
      const json = await server.admin.call("GET", path);
      assert.deepEqual([yaml.code, load(yaml.text)], [200, json.body]);
    }
  });
});
