// A suite whose test fails in the middle: it has a cluster, its port and a kubeconfig, and stops nothing.
import { test } from "node:test";
import { startCluster } from "../start-cluster.ts";

test("fails", async () => {
  const cluster = await startCluster();
  const { path } = await cluster.kubeconfig();
  console.log(`kubeconfig: ${path}`);
  throw new Error("the test fails");
});
