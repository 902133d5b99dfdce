import assert from "node:assert/strict";
import { compileDeviceSelector } from "./device-selectors.ts";

const device = {
  driver: "gpu.acme.io",
  attributes: {
    model: { string: "x1" },
    cores: { int: 64 },
    healthy: { bool: true },
    driverVersion: { version: "1.10.0" },
    "other.io/slot": { int: 2n },
    broken: {},
  },
  capacity: { memory: { value: "80Gi" } },
};

function verdict(expression: string): unknown {
  const selector = compileDeviceSelector(expression);
  if ("problem" in selector) return selector.problem;
  try {
    return selector.matches(device);
  } catch (error) {
    return (error as Error).message;
  }
}

describe("controlplane/cel/device-selectors", () => {
  for (const [expression, expected] of [
    ['device.driver == "gpu.acme.io"', true],
    ['device.attributes["gpu.acme.io"].model == "x1"', true],
    ['device.attributes["gpu.acme.io"].cores > 32', true],
    ['device.attributes["gpu.acme.io"].healthy', true],
    ['device.attributes["gpu.acme.io"].driverVersion.isGreaterThan(semver("1.9.0"))', true],
    ['device.attributes["other.io"].slot == 2', true],
    ['device.capacity["gpu.acme.io"].memory.compareTo(quantity("40Gi")) >= 0', true],
    ["device.allowMultipleAllocations", false],
    ['cel.bind(gpu, device.attributes["gpu.acme.io"], gpu.healthy && gpu.cores == 64)', true],
    ["cel.bind(a, 1, cel.bind(b, a + 1, a + b == 3) && a == 1)", true],
    [
      "cel.bind(1, 2, true)",
      "compilation failed: ERROR: <input>:1:10: cel.bind() variable names must be simple identifiers\n | cel.bind(1, 2, true)\n | .........^",
    ],
    ['has(device.attributes["nobody.io"].x)', false],
    ['"nobody.io" in device.attributes', false],
    ['device.attributes["nobody.io"].x == 1', "no such key: x"],
    ['device.attributes["gpu.acme.io"].broken', "attribute broken: unsupported attribute value"],
    ['device.attributes["gpu.acme.io"].model', "CEL result could not be converted to bool"],
    ["device.driver", "must evaluate to bool or the unknown type, not string"],
  ] as const)
    it(`${expression} is ${JSON.stringify(expected)}`, () => assert.equal(verdict(expression), expected));

  it("tells what may cost too much", () => {
    const all =
      'device.attributes.all(a, device.attributes.all(b, device.attributes.all(c, device.attributes.all(d, a + b + c + d != ""))))';
    const selector = compileDeviceSelector(all);
    assert.ok(!("problem" in selector) && selector.isTooComplex);
  });
});
