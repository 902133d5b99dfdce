import assert from "node:assert/strict";
import { startTestApiserver, type TestApiserver } from "../testing.ts";
import { pod } from "../testing-objects.ts";

const group = "authorization.k8s.io";

describe("selectors in access reviews", () => {
  let api: TestApiserver;
  before(async () => {
    api = await startTestApiserver();
    await api.admin.call("POST", "/api/v1/namespaces/default/pods", { body: pod("p", "n1") });
  });
  after(() => api.stop());

  const ask = async (selectors: object) => {
    const spec = {
      user: "system:node:n1",
      groups: ["system:nodes", "system:authenticated"],
      resourceAttributes: { verb: "list", resource: "pods", ...selectors },
    };
    const body = { apiVersion: `${group}/v1`, kind: "SubjectAccessReview", spec };
    const answer = await api.admin.call("POST", `/apis/${group}/v1/subjectaccessreviews`, { body });
    return answer.code === 201 ? answer.body.status : answer.body.message;
  };
  const requiring = (...requirements: object[]) => ({ requirements });
  const node = { key: "spec.nodeName", operator: "In", values: ["n1"] };
  const unselected = {
    allowed: false,
    reason: "can only list/watch pods with spec.nodeName field selector",
  };

  it("are asked about, as text and as requirements", async () => {
    assert.deepEqual(await ask({}), unselected);
    assert.deepEqual(await ask({ fieldSelector: { rawSelector: "spec.nodeName=n1" } }), { allowed: true });
    assert.deepEqual(await ask({ fieldSelector: requiring(node) }), { allowed: true });
    for (const other of [
      { rawSelector: "spec.nodeName!=n1" },
      { rawSelector: "spec.nodeName=n2" },
      requiring({ ...node, operator: "NotIn" }),
    ])
      assert.deepEqual(await ask({ fieldSelector: other }), unselected);
  });

  it("are left out where they cannot be read, and the answer says so", async () => {
    const evaluationError = (text: string) => `spec.resourceAttributes.${text} ignored due to parse error`;
    assert.deepEqual(
      await ask({
        fieldSelector: requiring(node, { key: "a", operator: "In", values: ["b", "c"] }),
        labelSelector: { rawSelector: "a in (" },
      }),
      {
        allowed: true,
        evaluationError: `${evaluationError("fieldSelector partially")}; ${evaluationError("labelSelector")}`,
      },
    );
    assert.deepEqual(
      await ask({
        fieldSelector: { rawSelector: "spec.nodeName=n1,c" },
        labelSelector: requiring({ key: "a", operator: "Newer" }),
      }),
      {
        ...unselected,
        evaluationError: `${evaluationError("fieldSelector")}; ${evaluationError("labelSelector")}`,
      },
    );
  });

  it("are refused where they mean nothing", async () => {
    const at = "spec.resourceAttributes";
    assert.equal(
      await ask({
        fieldSelector: { rawSelector: "a=b", ...requiring({ key: "", operator: "In" }) },
        labelSelector: {},
      }),
      `.${group} "" is invalid: [` +
        [
          `${at}.fieldSelector.rawSelector: Invalid value: "a=b": may not specified at the same time as requirements`,
          `${at}.fieldSelector.requirements[0].key: Required value: must be specified`,
          `${at}.fieldSelector.requirements[0].values: Required value: must be specified when \`operator\` is 'In' or 'NotIn'`,
          `${at}.labelSelector.requirements: Required value: when ${at}.labelSelector is specified, requirements or rawSelector is required]`,
        ].join(", "),
    );
    assert.equal(
      await ask({ fieldSelector: requiring({ key: "a", operator: "Exists", values: ["b"] }) }),
      `.${group} "" is invalid: ${at}.fieldSelector.requirements[0].values: Forbidden: may not be specified when \`operator\` is 'Exists' or 'DoesNotExist'`,
    );
  });
});
