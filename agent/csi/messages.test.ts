import { join } from "node:path";
import { compareService, readDefinition } from "../../base/testing/compare-tables.ts";
import { controllerCalls } from "./controller-messages.ts";
import { identityCalls, nodeCalls, registrationCalls } from "./messages.ts";

describe("CSI's messages", () => {
  const csi = readDefinition(join(import.meta.dirname, "csi.proto"));
  const registration = readDefinition(join(import.meta.dirname, "registration.proto"));

  it("are as they are defined", () => {
    compareService(csi, "csi.v1.Identity", identityCalls);
    compareService(csi, "csi.v1.Controller", controllerCalls);
    compareService(csi, "csi.v1.Node", nodeCalls);
    compareService(registration, "pluginregistration.Registration", registrationCalls);
  });
});
