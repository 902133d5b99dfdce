import assert from "node:assert/strict";
import type { Service } from "../../client/types.ts";
import { lowestPort, openPort, withOpenPorts } from "./open-port.ts";

describe("a port that may not be listened on", () => {
  it("is below what Linux lets everybody have, unless the process has the capability", () => {
    const status = (capabilities: string) => `Name:\tnode\nCapEff:\t${capabilities}\nCapBnd:\t0\n`;
    assert.equal(lowestPort(status("000001ffffffffff"), "1024\n"), 0);
    assert.equal(lowestPort(status("0000000000000400"), "1024\n"), 0);
    assert.equal(lowestPort(status("0000000000000000"), "1024\n"), 1024);
    assert.equal(lowestPort(status("0000000000000000"), "80\n"), 80);
    assert.equal(lowestPort("", ""), 1024);
  });

  it("is answered higher, and so pods hear of it", () => {
    assert.deepEqual(
      [443, 1023, 1024, 8080].map((port) => openPort(port, 1024)),
      [10_443, 11_023, 1024, 8080],
    );
    const service = (...ports: number[]) =>
      ({ metadata: { name: "web" }, spec: { ports: ports.map((port) => ({ port })) } }) as Service;
    const given = [service(8080), service(443, 8443), { metadata: {}, spec: {} } as Service];
    assert.deepEqual(withOpenPorts(given, 1024), [given[0], service(10_443, 8443), given[2]]);
    assert.deepEqual(withOpenPorts(given, 0), given);
  });
});
