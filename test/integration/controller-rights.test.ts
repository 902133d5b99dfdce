import assert from "node:assert/strict";
import { controllerRights } from "../../controlplane/apiserver/rbac/policy/own-policy.ts";
import { controllerTable } from "../../controlplane/controllers/table.ts";

describe("rights of controllers", () => {
  it("are named for every controller that there is, and for no other", () => {
    assert.deepEqual(Object.keys(controllerRights).sort(), controllerTable.map(({ name }) => name).sort());
  });
});
