import assert from "node:assert/strict";
import fc from "fast-check";
import type { PolicyRule } from "../../../client/types.ts";
import type { Attributes } from "../filters/authorization.ts";
import { ruleAllows } from "./rule-allows.ts";
import { describedRules, uncovered } from "./rules-cover.ts";

const rule = (words: string): PolicyRule => {
  const [verbs = "", groups = "", resources = "", names] = words.split(" ");
  const list = (text: string) => text.split(",").map((one) => (one === "core" ? "" : one));
  if (groups === "url") return { verbs: list(verbs), nonResourceURLs: list(resources) };
  return {
    verbs: list(verbs),
    apiGroups: list(groups),
    resources: list(resources),
    ...(names && { resourceNames: list(names) }),
  };
};
const missing = (held: readonly string[], ...wanted: readonly string[]) =>
  describedRules(uncovered(held.map(rule), wanted.map(rule)));

describe("rules that others do not cover", () => {
  it("are none where every single verb, resource and name is held by some rule", () => {
    assert.deepEqual(missing(["get core pods", "list core,apps *"], "get,list core pods"), []);
    assert.deepEqual(missing(["* * *", "* url *"], "get core pods p", "get url /metrics"), []);
    assert.deepEqual(missing(["get core */log"], "get core pods/log"), []);
    assert.deepEqual(missing(["get core pods a,b"], "get core pods a"), []);
    assert.deepEqual(missing(["get url /livez/*"], "get url /livez/ping,/livez/*"), []);
  });

  it("are told as Kubernetes does: by verb together, sorted", () => {
    assert.deepEqual(missing(["list core pods"], "get,list,watch core pods,secrets"), [
      '{APIGroups:[""], Resources:["pods"], Verbs:["get" "watch"]}',
      '{APIGroups:[""], Resources:["secrets"], Verbs:["get" "list" "watch"]}',
    ]);
    assert.deepEqual(missing(["get core pods a"], "get core pods", "get core pods a,b", "get url /x,/y"), [
      '{APIGroups:[""], Resources:["pods"], ResourceNames:["b"], Verbs:["get"]}',
      '{APIGroups:[""], Resources:["pods"], Verbs:["get"]}',
      '{NonResourceURLs:["/x"], Verbs:["get"]}',
      '{NonResourceURLs:["/y"], Verbs:["get"]}',
    ]);
  });

  it("are those of a star, which only a star covers", () => {
    assert.deepEqual(missing(["get,list core pods"], "* core pods"), [
      '{APIGroups:[""], Resources:["pods"], Verbs:["*"]}',
    ]);
    assert.deepEqual(missing(["get core pods"], "get * pods").length, 1);
  });

  it("never hide something that the wanted rules allow and the held ones do not", () => {
    const verb = fc.constantFrom("get", "list", "*");
    const resource = fc.constantFrom("pods", "pods/log", "*/log", "*");
    const names = fc.constantFrom("", "a", "b", "a,b");
    const rules = fc.array(
      fc.tuple(verb, resource, names).map(([one, each, name]) => rule(`${one} core ${each} ${name}`.trim())),
      { maxLength: 3 },
    );
    const wanted = fc.record({
      verb: fc.constantFrom("get", "list", "delete"),
      plural: fc.constantFrom("pods", "secrets"),
      subresource: fc.constantFrom("", "log", "exec"),
      name: fc.constantFrom("", "a", "b", "c"),
    });
    fc.assert(
      fc.property(rules, rules, wanted, (held, granted, one) => {
        const asked: Attributes = { ...one, group: "", namespace: "n" };
        if (!granted.some((each) => ruleAllows(each, asked))) return;
        if (held.some((each) => ruleAllows(each, asked))) return;
        assert.notEqual(uncovered(held, granted).length, 0);
      }),
      { numRuns: 500 },
    );
  });
});
