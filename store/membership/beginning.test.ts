import assert from "node:assert/strict";
import type { MembersResponse } from "../../proto/etcd-cluster.ts";
import type { StoreConfig } from "../flags.ts";
import type { MemberVersions } from "../transport/peer/versions.ts";
import { beginning } from "./beginning.ts";

describe("a member that was added to a cluster", () => {
  const own = "http://new";
  const config = {
    name: "new",
    initialClusterState: "existing",
    initialClusterToken: "token",
    initialAdvertisePeerUrls: [own],
    initialCluster: new Map([
      ["new", [own]],
      ["learner", ["http://learner"]],
      ["a", ["http://a"]],
    ]),
  } as unknown as StoreConfig;
  const member = (id: bigint, url: string) => ({ id, peerUrls: [url] });
  const told = (...members: readonly { readonly id: bigint; readonly peerUrls: string[] }[]) =>
    ({ header: { clusterId: 4n }, members }) as unknown as MembersResponse;
  const version = (cluster: string): MemberVersions => ({ server: "3.7.0", cluster, downgradeTarget: "" });
  const begin = (versions: Readonly<Record<string, MemberVersions>>) => {
    const asked: string[] = [];
    const ask = {
      versions: async (url: string) => versions[url] ?? assert.fail(url),
      async members(url: string) {
        asked.push(url);
        return url === "http://learner" ? told(member(1n, "http://a")) : told(member(7n, own));
      },
    };
    const discover = () => assert.fail("nothing is to be discovered");
    return { asked, begun: beginning(config, ask, discover) };
  };

  for (const unreadable of ["", "not_decided"])
    it(`passes over one that does not know the version of its cluster: ${JSON.stringify(unreadable)}`, async () => {
      const versions = { "http://learner": version(unreadable), "http://a": version("3.7.0") };
      const { asked, begun } = begin(versions);
      const answer = await begun;
      assert.deepEqual(answer.kind === "join" && answer.identity, { clusterId: 4n, memberId: 7n });
      assert.deepEqual(asked, ["http://a"]);
    });

  it("is told where nobody knows", async () => {
    const { begun } = begin({ "http://learner": version(""), "http://a": version("") });
    await assert.rejects(
      begun,
      /learner does not know yet what version .*; the member at http:\/\/a does not know yet/,
    );
  });

  it("is refused by a cluster that speaks a version that it does not", async () => {
    const { begun } = begin({ "http://learner": version(""), "http://a": version("3.99.0") });
    await assert.rejects(begun, /incompatible with current running cluster/);
  });
});
