import { join } from "node:path";
import { compareService, readDefinition } from "../../base/testing/compare-tables.ts";
import { pluginCalls, podResourcesCalls, registrationCalls } from "./messages.ts";

describe("messages of device plugins and of pods' resources", () => {
  const definition = (name: string) => readDefinition(join(import.meta.dirname, name));

  it("are as they are defined", () => {
    compareService(definition("device-plugin.proto"), "v1beta1.Registration", registrationCalls);
    compareService(definition("device-plugin.proto"), "v1beta1.DevicePlugin", pluginCalls);
    compareService(definition("pod-resources.proto"), "v1.PodResourcesLister", podResourcesCalls);
  });
});
