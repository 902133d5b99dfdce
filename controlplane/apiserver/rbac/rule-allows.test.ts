import assert from "node:assert/strict";
import type { PolicyRule } from "../../../client/types.ts";
import { attributesOf } from "../filters/authorization.ts";
import { requestInfo } from "../filters/request-info.ts";
import { ruleAllows } from "./rule-allows.ts";

const rule = (words: string, names?: readonly string[]): PolicyRule => {
  const [verbs = "", groups = "", resources = ""] = words.split(" ");
  const list = (text: string) => text.split(",").map((one) => (one === "core" ? "" : one));
  return {
    verbs: list(verbs),
    apiGroups: list(groups),
    resources: list(resources),
    ...(names && { resourceNames: [...names] }),
  };
};
const paths = (verb: string, ...nonResourceURLs: string[]): PolicyRule => ({
  verbs: [verb],
  nonResourceURLs,
});

/** [what, rule, request, whether it is allowed] */
const cases: readonly (readonly [string, PolicyRule, string, boolean])[] = [
  ["verb", rule("get core pods"), "GET /api/v1/namespaces/a/pods/p", true],
  ["verb", rule("get core pods"), "DELETE /api/v1/namespaces/a/pods/p", false],
  ["verb", rule("get core pods"), "GET /api/v1/namespaces/a/pods", false],
  ["verb *", rule("* core pods"), "DELETE /api/v1/namespaces/a/pods", true],
  ["group", rule("get apps deployments"), "GET /apis/apps/v1/namespaces/a/deployments/d", true],
  ["group", rule("get core deployments"), "GET /apis/apps/v1/namespaces/a/deployments/d", false],
  ["group *", rule("get * deployments"), "GET /apis/apps/v1/namespaces/a/deployments/d", true],
  ["resource", rule("get core pods"), "GET /api/v1/namespaces/a/secrets/s", false],
  ["resource *", rule("get core *"), "GET /api/v1/namespaces/a/secrets/s", true],
  ["resource * and subresources", rule("get core *"), "GET /api/v1/namespaces/a/pods/p/log", true],
  ["subresource", rule("get core pods/log"), "GET /api/v1/namespaces/a/pods/p/log", true],
  ["subresource of its own", rule("get core pods"), "GET /api/v1/namespaces/a/pods/p/log", false],
  ["resource of a subresource", rule("get core pods/log"), "GET /api/v1/namespaces/a/pods/p", false],
  ["*/subresource", rule("update * */scale"), "PUT /apis/apps/v1/namespaces/a/deployments/d/scale", true],
  ["*/subresource", rule("update * */scale"), "PUT /apis/apps/v1/namespaces/a/deployments/d/status", false],
  ["*/subresource", rule("update * */scale"), "PUT /apis/apps/v1/namespaces/a/deployments/d", false],
  ["name", rule("get core pods", ["p"]), "GET /api/v1/namespaces/a/pods/p", true],
  ["name", rule("get core pods", ["p"]), "GET /api/v1/namespaces/a/pods/q", false],
  ["name of a list", rule("list core pods", ["p"]), "GET /api/v1/namespaces/a/pods", false],
  [
    "name of a list of one",
    rule("list core pods", ["p"]),
    "GET /api/v1/namespaces/a/pods?fieldSelector=metadata.name%3Dp",
    true,
  ],
  ["name of what is made", rule("create core pods", ["p"]), "POST /api/v1/namespaces/a/pods", false],
  ["path", paths("get", "/metrics"), "GET /metrics", true],
  ["path", paths("get", "/metrics"), "GET /metrics/slis", false],
  ["path", paths("get", "/metrics"), "POST /metrics", false],
  ["path with *", paths("get", "/livez/*"), "GET /livez/ping", true],
  ["path with *", paths("get", "/livez/*"), "GET /livez", false],
  ["path *", paths("*", "*"), "GET /whatever", true],
  ["path * and resources", paths("*", "*"), "GET /api/v1/pods", false],
  ["resource * and paths", rule("* * *"), "GET /metrics", false],
];

describe("a rule allows by", () => {
  for (const [what, one, request, allowed] of cases)
    it(`${what}: ${JSON.stringify(one)} ${allowed ? "allows" : "does not allow"} ${request}`, () => {
      const [method = "", url = ""] = request.split(" ");
      assert.equal(ruleAllows(one, attributesOf(requestInfo(method, url))), allowed);
    });
});
