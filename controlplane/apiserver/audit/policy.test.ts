import assert from "node:assert/strict";
import { requestInfo } from "../filters/request-info.ts";
import { readAuditPolicy, ruleFor } from "./policy.ts";

const head = { apiVersion: "audit.k8s.io/v1", kind: "Policy" };
const read = (rules: readonly object[], more: object = {}) => {
  const problems: string[] = [];
  return { policy: readAuditPolicy({ ...head, ...more, rules }, problems), problems };
};
const jane = { name: "jane", groups: ["devs", "system:authenticated"] };

describe("which rule of an audit policy a request falls under", () => {
  const level = (rule: object, method: string, url: string, user = jane) => {
    const { policy, problems } = read([{ level: "Metadata", ...rule }]);
    assert.deepEqual(problems, []);
    return ruleFor(policy, user, requestInfo(method, url)) !== undefined;
  };
  const pods = "/api/v1/namespaces/a/pods";
  const cases: readonly (readonly [rule: object, method: string, url: string, matches: boolean])[] = [
    [{}, "GET", "/version", true],
    [{ users: ["jane"] }, "GET", pods, true],
    [{ users: ["joe"] }, "GET", pods, false],
    [{ userGroups: ["devs", "ops"] }, "GET", pods, true],
    [{ userGroups: ["ops"] }, "GET", pods, false],
    [{ verbs: ["list"] }, "GET", pods, true],
    [{ verbs: ["list"] }, "GET", `${pods}?watch=1`, false],
    [{ verbs: ["get"] }, "GET", "/healthz", true],
    [{ namespaces: ["a"] }, "GET", pods, true],
    [{ namespaces: ["b"] }, "GET", pods, false],
    [{ namespaces: [""] }, "GET", "/api/v1/nodes", true],
    [{ namespaces: [""] }, "GET", "/healthz", false],
    [{ nonResourceURLs: ["/health*"] }, "GET", "/healthz", true],
    [{ nonResourceURLs: ["/health"] }, "GET", "/healthz", false],
    [{ nonResourceURLs: ["*"] }, "GET", pods, false],
    [{ resources: [{ group: "", resources: ["pods"] }] }, "GET", pods, true],
    [{ resources: [{ group: "", resources: ["pods"] }] }, "GET", `${pods}/p/log`, false],
    [{ resources: [{ group: "", resources: ["pods/log"] }] }, "GET", `${pods}/p/log`, true],
    [{ resources: [{ group: "", resources: ["pods/*"] }] }, "GET", `${pods}/p/log`, true],
    [{ resources: [{ group: "", resources: ["*/log"] }] }, "GET", `${pods}/p/log`, true],
    [{ resources: [{ group: "", resources: ["*"] }] }, "GET", `${pods}/p/log`, true],
    [{ resources: [{ group: "apps" }] }, "GET", pods, false],
    [{ resources: [{ group: "*" }] }, "GET", pods, true],
    [{ resources: [{ resources: ["pods"], resourceNames: ["p"] }] }, "GET", `${pods}/p`, true],
    [{ resources: [{ resources: ["pods"], resourceNames: ["p"] }] }, "GET", `${pods}/q`, false],
  ];
  for (const [rule, method, url, matches] of cases)
    it(`${JSON.stringify(rule)}: ${method} ${url}${matches ? "" : ", not"}`, () =>
      assert.equal(level(rule, method, url), matches));

  it("takes names that every object inherits for names like any other", () => {
    for (const name of ["constructor", "toString", "__proto__"]) {
      const user = { name, groups: [name] };
      const url = `/api/v1/namespaces/${name}/${name}/${name}`;
      assert.equal(level({ users: ["jane"] }, "GET", url, user), false);
      assert.equal(level({ userGroups: ["devs"] }, "GET", url, user), false);
      assert.equal(level({ namespaces: ["a"] }, "GET", url, user), false);
      assert.equal(level({ resources: [{ group: "", resources: ["pods"] }] }, "GET", url, user), false);
      const own = { users: [name], namespaces: [name], resources: [{ group: "", resources: [name] }] };
      assert.equal(level(own, "GET", url, user), true);
      assert.equal(level(own, "GET", pods), false);
    }
  });

  it("is the first one that matches, with what the policy says for all", () => {
    const { policy } = read(
      [
        { level: "None", users: ["joe"] },
        { level: "Request", omitStages: ["RequestReceived"], omitManagedFields: false },
        { level: "Metadata" },
      ],
      { omitStages: ["Panic"], omitManagedFields: true },
    );
    const found = ruleFor(policy, jane, requestInfo("GET", "/"));
    assert.deepEqual(
      [found?.level, found?.omitStages, found?.omitManagedFields],
      ["Request", ["Panic", "RequestReceived"], false],
    );
    assert.equal(ruleFor(policy, { ...jane, name: "joe" }, requestInfo("GET", "/"))?.level, "None");
  });

  it("is refused by what is wrong in it", () => {
    const { problems } = read([
      { level: "Some", omitStages: ["Never"] },
      { nonResourceURLs: ["x", "/a*b"], namespaces: ["a"], level: "None" },
      { level: "None", resources: [{ group: "rbac/v1", resourceNames: ["x"] }], verb: "get" },
    ]);
    assert.deepEqual(problems, [
      'rules[0].level: Unsupported value: "Some": supported values: "None", "Metadata", "Request", "RequestResponse"',
      'rules[0].omitStages[0]: Invalid value: "Never": allowed stages are RequestReceived,ResponseStarted,ResponseComplete,Panic',
      "rules[1].nonResourceURLs[0]: Invalid value: \"x\": non-resource URL rules must begin with a '/' character",
      "rules[1].nonResourceURLs[1]: Invalid value: \"/a*b\": non-resource URL wildcards '*' must be the final character of the rule",
      'rules[1].nonResourceURLs: Invalid value: ["x","/a*b"]: rules cannot apply to both regular resources and non-resource URLs',
      "rules[2].verb: unknown field",
      'rules[2].resources.resourceNames: Invalid value: ["x"]: using resourceNames requires at least one resource',
      'rules[2].resources.group: Invalid value: "rbac/v1": not the name of a group',
    ]);
    const empty: string[] = [];
    readAuditPolicy({ ...head, kind: "Plan" }, empty);
    assert.deepEqual(empty, [
      "audit.k8s.io/v1, Plan: not a Policy of audit.k8s.io/v1",
      "the policy has no rules",
    ]);
  });
});
