import { systemClock } from "../../../base/os/clock.ts";
import { runtimeSuite } from "../suite.ts";
import { SimulatedRuntime } from "./runtime.ts";

runtimeSuite("simulated", { runs: false, isolates: false }, async () => {
  const runtime = new SimulatedRuntime(systemClock);
  runtime.deaf.add("c");
  return runtime;
});
