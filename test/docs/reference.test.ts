import { strict as assert } from "node:assert";
import * as answers from "../../controlplane/apiserver/api-error.ts";
import { allCommands } from "../../scripts/reference/all-commands.ts";
import { sampleAnswers } from "../../scripts/reference/errors-page.ts";
import { plain, tableOf } from "../../scripts/reference/markdown.ts";
import { mirroredFlags } from "../../scripts/reference/mirrored-flags.ts";

describe("the reference that is made of the sources", function () {
  this.timeout(60_000);

  it("has an example of every answer that the API server's table has", () => {
    const makers = Object.entries(answers).filter(
      ([name, value]) => typeof value === "function" && name !== "ApiError",
    );
    assert.deepEqual(Object.keys(sampleAnswers).sort(), makers.map(([name]) => name).sort());
  });

  it("names as Kubernetes' and etcd's only flags that there are", async () => {
    for (const { row, command } of await allCommands())
      for (const [program, names] of Object.entries(mirroredFlags[row.name] ?? {}))
        for (const name of names.split(" "))
          assert.ok(
            Object.hasOwn(command.flags, name),
            `${row.name} has no --${name}, which is ${program}'s`,
          );
  });

  it("takes no text for marks", () => {
    assert.equal(plain("a <c> {{d}} *e* `f<g>` h_i"), "a &lt;c> {&#123;d}} \\*e\\* `f<g>` h\\_i");
    assert.equal(
      tableOf(["x|y"], [["`a|b`"]])
        .split("\n")
        .at(-1),
      "| `a\\|b` |",
    );
  });
});
