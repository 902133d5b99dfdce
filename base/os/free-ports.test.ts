import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { freePorts, holdPort } from "./free-ports.ts";

describe("free ports", () => {
  it("lie below those that the system gives to connections, so that nobody takes one before it is used", async () => {
    const ports = await freePorts(50);
    assert.equal(new Set(ports).size, 50);
    assert.ok(ports.every((port) => port >= 1024 && port < 32_768));
  });

  it("are found by one process only, though nobody listens on them yet", async () => {
    const [port = 0] = await freePorts(1);
    const file = new URL("./free-ports.ts", import.meta.url).href;
    const asks = `import { holdPort } from ${JSON.stringify(file)}; console.log(await holdPort(${port}));`;
    const argv = [...process.execArgv, "--import=tsx", "--input-type=module", "-e", asks];
    assert.equal(execFileSync(process.execPath, argv, { encoding: "utf8" }), "false\n");
    assert.equal(await holdPort(port), false);
  });
});
