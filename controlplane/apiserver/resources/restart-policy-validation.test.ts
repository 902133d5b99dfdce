import { strict as assert } from "node:assert";
import type { Container } from "../../../client/types.ts";
import { validateContainerRestarts } from "./restart-policy-validation.ts";

const told = (container: object) =>
  validateContainerRestarts({ name: "c", ...container } as Container, "c").map(
    ({ field, message }) => `${field}: ${message}`,
  );
const rule = (action: string, operator = "In", values = [1]) => ({ action, exitCodes: { operator, values } });

describe("the restart policy of a container", () => {
  it("is one of three, with rules or without", () => {
    assert.deepEqual(told({}), []);
    for (const restartPolicy of ["Always", "Never", "OnFailure"])
      assert.deepEqual(
        told({ restartPolicy, restartPolicyRules: [rule("Restart", "NotIn"), rule("RestartAllContainers")] }),
        [],
      );
    assert.deepEqual(told({ restartPolicy: "Foo" }), [
      'c.restartPolicy: Unsupported value: "Foo": supported values: "Always", "Never", "OnFailure"',
    ]);
  });

  it("has rules only beside a policy, and few, complete ones", () => {
    const refused = (restartPolicyRules: object[], ...texts: string[]) =>
      assert.deepEqual(told({ restartPolicy: "Never", restartPolicyRules }), texts);
    assert.deepEqual(told({ restartPolicyRules: [rule("Restart")] }), [
      "c.restartPolicy: Required value: must specify restartPolicy when restart rules are used",
    ]);
    const at = "c.restartPolicyRules";
    refused(
      [rule("Nope")],
      `${at}[0].action: Unsupported value: "Nope": supported values: "Restart", "RestartAllContainers"`,
    );
    refused([{ action: "Restart" }], `${at}[0].exitCodes: Required value: must be specified`);
    refused(
      [rule("Restart", "Is")],
      `${at}[0].exitCodes.operator: Unsupported value: "Is": supported values: "In", "NotIn"`,
    );
    refused(Array(21).fill(rule("Restart")), `${at}: Too many: 21: must have at most 20 items`);
    refused(
      [rule("Restart", "In", Array(256).fill(1))],
      `${at}[0].exitCodes.values: Too many: 256: must have at most 255 items`,
    );
  });
});
