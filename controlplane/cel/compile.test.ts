import { ok, strictEqual, throws } from "node:assert/strict";
import { compile, type Program } from "./compile.ts";
import { Meter } from "./environment.ts";
import { untypedValue } from "./json-values.ts";
import { kubernetesFunctions } from "./library.ts";
import { types } from "./types.ts";
import { CostExceeded, type Value } from "./values.ts";

/** As admission gives expressions what a request is about. */
const environment = {
  variables: new Map([
    ["object", types.dyn],
    ["oldObject", types.dyn],
    ["params", types.dyn],
  ]),
  functions: kubernetesFunctions,
};

function programOf(text: string): Program {
  const compiled = compile(text, environment);
  if ("problem" in compiled) throw new Error(compiled.problem);
  return compiled.program;
}

function answer(text: string, given: Readonly<Record<string, unknown>>, costMax = 1_000_000): Value {
  const variables = new Map(Object.entries(given).map(([name, json]) => [name, untypedValue(json)]));
  return programOf(text).evaluate(variables, new Meter(costMax));
}

describe("expressions over objects of which no schema is known", () => {
  const object = { metadata: { name: "web", labels: { app: "web" } }, spec: { replicas: 3, ratio: 0.5 } };

  it("find nothing under names that every object inherits, and take them for no number", () => {
    for (const name of ["constructor", "toString", "__proto__"]) {
      strictEqual(answer(`"${name}" in object.metadata.labels`, { object }), false);
      strictEqual(answer(`has(object.metadata.labels.${name})`, { object }), false);
      throws(() => answer(`object.metadata.labels["${name}"]`, { object }), /no such key/);
      throws(() => answer(`double("${name}") == 1.0`, { object }), /double/);
    }
  });

  it("find fields when they run, and numbers by their value", () => {
    strictEqual(answer("object.spec.replicas <= params.max", { object, params: { max: 5 } }), true);
    strictEqual(answer("object.spec.replicas <= params.max", { object, params: { max: 2.5 } }), false);
    strictEqual(answer("has(object.metadata.labels.app) && !has(object.spec.paused)", { object }), true);
    strictEqual(answer("object.metadata.labels.all(key, key.matches('^[a-z]+$'))", { object }), true);
    strictEqual(
      answer("oldObject == null || object.spec == oldObject.spec", { object, oldObject: null }),
      true,
    );
  });

  it("say what is missing", () => {
    throws(
      () => answer("object.spec.paused", { object }),
      /^CelError: no such key: paused$|no such key: paused/,
    );
    throws(() => answer("object.metadata.name + 1 == 2", { object }), /no such overload/);
  });

  it("tell which variables they name", () => {
    const { names, type } = programOf("object.spec.replicas == oldObject.spec.replicas");
    strictEqual([...names].sort().join(), "object,oldObject");
    strictEqual(type.kind, "bool");
  });

  it("end when they cost too much", () => {
    const list = { spec: { items: Array.from({ length: 100 }, (_, index) => index) } };
    const text = "object.spec.items.all(a, object.spec.items.all(b, a + b >= 0))";
    strictEqual(answer(text, { object: list }), true);
    throws(() => answer(text, { object: list }, 1_000), CostExceeded);
  });

  it("are refused where a name is not known", () => {
    const compiled = compile("request.user == 'a'", environment);
    ok(
      "problem" in compiled &&
        compiled.problem.includes("undeclared reference to 'request' (in container '')"),
    );
  });
});
