import assert from "node:assert/strict";
import { freePorts } from "./free-ports.ts";

describe("free ports", () => {
  it("lie below those that the system gives to connections, so that nobody takes one before it is used", async () => {
    const ports = await freePorts(50);
    assert.equal(new Set(ports).size, 50);
    assert.ok(ports.every((port) => port >= 1024 && port < 32_768));
  });
});
