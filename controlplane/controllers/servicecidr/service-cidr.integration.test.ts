import { resources } from "../../../client/resources.ts";
import { startTestCluster, type TestCluster } from "../testing/cluster.ts";
import { cidrFinalizer } from "./plan-service-cidr.ts";

describe("ranges of services' addresses, in a cluster", () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await startTestCluster();
  });
  after(() => cluster.stop());

  it("are kept while services have addresses of them", async () => {
    const find = (what: string, reason: string | undefined, status: string) =>
      cluster.until(resources.servicecidrs, what, (all) =>
        all.find(({ metadata, status: said }) => {
          const ready = said?.conditions?.find(({ type }) => type === "Ready");
          return (
            metadata.name === "kubernetes" &&
            metadata.finalizers?.includes(cidrFinalizer) === true &&
            ready?.status === status &&
            (reason === undefined || ready.reason === reason)
          );
        }),
      );
    await find("ready", undefined, "True");
    await cluster.client.delete(resources.servicecidrs, { name: "kubernetes" });
    await find("kept", "Terminating", "False");
  });
});
