import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startTestApiserver, type TestApiserver } from "../testing.ts";
import { kubectls, runKubectl } from "./testing-kubectls.ts";

/** What Kubernetes' conformance suite asks of custom kinds by way of kubectl (CustomResourcePublishOpenAPI). */
const timeoutMs = 600_000;

const foo = {
  description: "Foo CRD for Testing",
  type: "object",
  properties: {
    spec: {
      type: "object",
      description: "Specification of Foo",
      properties: {
        bars: {
          description: "List of Bars and their specs.",
          type: "array",
          items: {
            type: "object",
            required: ["name"],
            properties: {
              name: { description: "Name of Bar.", type: "string" },
              age: { description: "Age of Bar.", type: "string" },
              feeling: {
                description: "Whether Bar is feeling great.",
                type: "string",
                enum: ["Great", "Down"],
              },
              bazs: { description: "List of Bazs.", items: { type: "string" }, type: "array" },
            },
          },
        },
      },
    },
  },
};
const free = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
const freeAtRoot = { ...free, description: "free at the root", properties: { spec: { type: "object" } } };
const freeInside = {
  type: "object",
  description: "free inside",
  properties: { spec: { ...free, description: "Specification of Waldo" } },
};

function definition(kind: string, schema: object): { readonly metadata: { readonly name: string } } {
  const plural = `${kind.toLowerCase()}s`;
  const body = {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.published.example.com` },
    spec: {
      group: "published.example.com",
      scope: "Namespaced",
      names: { plural, singular: kind.toLowerCase(), kind, listKind: `${kind}List` },
      versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: schema } }],
    },
  };
  return body;
}

const object = (kind: string, rest: object) =>
  JSON.stringify({ kind, apiVersion: "published.example.com/v1", metadata: { name: "one" }, ...rest });

describe("kubectl with published custom kinds", () => {
  let server: TestApiserver;
  let home: string;
  before(async () => {
    server = await startTestApiserver();
    home = await mkdtemp(join(tmpdir(), "pintle-published-"));
    const path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    for (const [kind, schema] of Object.entries({
      Foo: foo,
      Empty: free,
      Rooty: freeAtRoot,
      Waldo: freeInside,
    })) {
      assert.equal((await server.admin.call("POST", path, { body: definition(kind, schema) })).code, 201);
      const objects = `/apis/published.example.com/v1/${kind.toLowerCase()}s`;
      while ((await server.admin.call("GET", objects)).code !== 200);
    }
  });
  after(async () => {
    await server.stop();
    await rm(home, { recursive: true, force: true });
  });

  const programs = kubectls();
  if (programs.length === 0) it.skip("needs a kubectl on the PATH");
  for (const kubectl of programs) {
    const run = async (input: string, ...args: string[]) => {
      const { code, output, errors } = await runKubectl(
        kubectl,
        { kubeconfig: server.kubeconfig, home, input },
        args,
      );
      return { code, said: output + errors };
    };
    const succeeds = async (wanted: RegExp, input: string, ...args: string[]) => {
      const { code, said } = await run(input, ...args);
      assert.equal(code, 0, said);
      assert.match(said, wanted, args.join(" "));
    };
    const refuses = async (wanted: RegExp, input: string, ...args: string[]) => {
      const { code, said } = await run(input, ...args);
      assert.notEqual(code, 0, said);
      assert.match(said, wanted, args.join(" "));
    };

    it(`of 1.${kubectl.minor} takes what fits the schema, and refuses unknown fields, missing ones and other values`, async function () {
      this.timeout(timeoutMs);
      const valid = object("Foo", { spec: { bars: [{ name: "test-bar" }] } });
      for (const verb of ["create", "apply"]) {
        await succeeds(/foo.published.example.com\/one created/, valid, verb, "-f", "-");
        await succeeds(/deleted/, "", "delete", "foos", "one");
        const unknown = object("Foo", { spec: { foo: true } });
        await refuses(/unknown field "(spec\.)?foo"/, unknown, verb, "-f", "-");
        const nameless = object("Foo", { spec: { bars: [{ age: "10" }] } });
        const missing = /missing required field "name"|spec\.bars\[0\]\.name: Required value/;
        await refuses(missing, nameless, verb, "-f", "-");
      }
      const other = object("Foo", { spec: { bars: [{ name: "test-bar", feeling: "NonExistentValue" }] } });
      await refuses(/Unsupported value: "NonExistentValue"/, other, "create", "-f", "-");
    });

    it(`of 1.${kubectl.minor} takes anything where the schema is free`, async function () {
      this.timeout(timeoutMs);
      for (const [kind, rest] of [
        ["Empty", { a: { b: [{ c: "d" }] } }],
        ["Rooty", { a: { b: [{ c: "d" }] } }],
        ["Waldo", { spec: { a: null, b: [{ c: "d" }] } }],
      ] as const)
        for (const verb of ["create", "apply"]) {
          await succeeds(/created/, object(kind, rest), verb, "-f", "-");
          await succeeds(/deleted/, "", "delete", `${kind.toLowerCase()}s`, "one");
        }
    });

    it(`of 1.${kubectl.minor} explains them and their fields, and says which do not exist`, async function () {
      this.timeout(timeoutMs);
      const explained: readonly (readonly [string, RegExp])[] = [
        [
          "foos",
          /DESCRIPTION:.*Foo CRD for Testing.*FIELDS:.*apiVersion.*<string>.*APIVersion defines.*spec.*<Object>.*Specification of Foo/s,
        ],
        [
          "foos.metadata",
          /DESCRIPTION:.*Standard object's metadata.*FIELDS:.*creationTimestamp.*<string>.*CreationTimestamp is a timestamp/s,
        ],
        [
          "foos.spec",
          /DESCRIPTION:.*Specification of Foo.*FIELDS:.*bars.*<\[\]Object>.*List of Bars and their specs/s,
        ],
        [
          "foos.spec.bars",
          /(FIELD|RESOURCE):.*bars.*<\[\]Object>.*DESCRIPTION:.*List of Bars and their specs.*FIELDS:.*bazs.*<\[\]string>.*List of Bazs.*name.*<string>.*Name of Bar/s,
        ],
        ["emptys", /DESCRIPTION:.*<empty>/s],
        ["rootys", /KIND:.*Rooty/s],
        ["waldos", /DESCRIPTION:.*free inside/s],
      ];
      for (const [field, wanted] of explained) await succeeds(wanted, "", "explain", field);
      await refuses(/field "bars2" does not exist/, "", "explain", "foos.spec.bars2");
    });
  }
});
