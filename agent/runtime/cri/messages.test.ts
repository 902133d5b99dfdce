import { join } from "node:path";
import { compareService, readDefinition } from "../../../base/testing/compare-tables.ts";
import { containerEventResponse, getEventsRequest, imageCalls, runtimeCalls } from "./messages.ts";

describe("the CRI's messages", () => {
  const root = readDefinition(join(import.meta.dirname, "cri.proto"));

  for (const [service, calls] of [
    ["RuntimeService", { ...runtimeCalls, GetContainerEvents: [getEventsRequest, containerEventResponse] }],
    ["ImageService", imageCalls],
  ] as const)
    it(`of ${service} are as they are defined`, () => compareService(root, `runtime.v1.${service}`, calls));
});
