import assert from "node:assert/strict";
import { revisionData } from "./revision-data.ts";

describe("controlplane/controllers/revision-data", () => {
  it("is the template as a patch, byte for byte as Kubernetes writes it: fields by name, empty ones kept", () => {
    const template = {
      spec: { restartPolicy: "Always", containers: [{ name: "c", image: "a:1" }], securityContext: {} },
      metadata: { labels: { d: "s", a: "b" } },
    };
    assert.equal(
      JSON.stringify(revisionData(template)),
      '{"spec":{"template":{"$patch":"replace","metadata":{"labels":{"a":"b","d":"s"}},"spec":{"containers":[{"image":"a:1","name":"c"}],"restartPolicy":"Always","securityContext":{}}}}}',
    );
  });
});
