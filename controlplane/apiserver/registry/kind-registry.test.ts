import assert from "node:assert/strict";
import { configMaps } from "../resources/configmaps.ts";
import { secrets } from "../resources/secrets.ts";
import type { Kind } from "./kind.ts";
import { KindRegistry } from "./kind-registry.ts";

describe("the registry of kinds", () => {
  const widget = (shortName: string): Kind => ({
    ...configMaps,
    group: "example.com",
    plural: "widgets",
    singular: "widget",
    kind: "Widget",
    shortNames: [shortName],
  });
  const named = (kinds: readonly Kind[]) =>
    kinds.map(({ plural, shortNames }) => [plural, ...shortNames].join(" "));

  it("serves what each producer gives, until it gives something else", () => {
    const registry = new KindRegistry([configMaps, secrets]);
    assert.equal(registry.byResource("example.com", "v1", "widgets"), undefined);
    const first = widget("wi");
    registry.replace("custom", [first]);
    assert.equal(registry.byResource("example.com", "v1", "widgets")?.kind, first);
    assert.equal(registry.byKind("example.com/v1", "Widget")?.kind, first);
    assert.deepEqual(
      [...registry.groups()],
      [
        ["", ["v1"]],
        ["example.com", ["v1"]],
      ],
    );
    registry.replace("custom", []);
    assert.equal(registry.byResource("example.com", "v1", "widgets"), undefined);
    assert.equal(registry.byResource("", "v1", "configmaps")?.kind, configMaps);
  });

  it("tells which kinds came and went, and counts the changes", () => {
    const registry = new KindRegistry([configMaps]);
    const told: string[] = [];
    const stop = registry.onChange(({ added, removed }) =>
      told.push(`+${named(added)} -${named(removed)} at ${registry.version}`),
    );
    const [first, second] = [widget("wi"), widget("wd")];
    registry.replace("custom", [first]);
    registry.replace("custom", [first]);
    registry.replace("custom", [second]);
    stop();
    registry.replace("custom", []);
    assert.deepEqual(told, ["+widgets wi - at 2", "+widgets wd -widgets wi at 3"]);
    assert.equal(registry.version, 4);
  });

  it("keeps what an earlier producer serves", () => {
    const registry = new KindRegistry([configMaps]);
    registry.replace("custom", [{ ...widget("x"), group: "", plural: "configmaps", kind: "ConfigMap" }]);
    assert.equal(registry.byResource("", "v1", "configmaps")?.kind, configMaps);
  });
});
