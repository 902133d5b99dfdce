import assert from "node:assert/strict";
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { createAuthority, issueCertificate } from "../../../base/os/pki.ts";
import { ManualClock } from "../../../client/testing/manual-clock.ts";
import type { KubeObject } from "../../../client/types.ts";
import { type NodeLink, nodeLink } from "../reach/node-link.ts";
import { testNode } from "../reach/testing.ts";
import { askNode } from "./ask-node.ts";

describe("a node that is asked for its use", () => {
  let agent: Server;
  let nodes: NodeLink;
  let clock: ManualClock;
  let answer: (response: ServerResponse, url: string) => void;
  before(async () => {
    const authority = await createAuthority({ name: "ca" });
    const server = await issueCertificate(authority, {
      commonName: "system:node:n1",
      addresses: ["127.0.0.1"],
      usage: "server",
    });
    nodes = nodeLink({ ca: authority.certificatePem, cert: undefined, key: undefined });
    agent = createServer({ cert: server.certificatePem, key: server.privateKeyPem }, (request, response) =>
      answer(response, request.url ?? ""),
    );
    await once(agent.listen(0, "127.0.0.1"), "listening");
  });
  after(() => {
    nodes.agent.destroy();
    agent.closeAllConnections();
    agent.close();
  });
  beforeEach(() => {
    clock = new ManualClock();
  });

  const ask = (address = "127.0.0.1", loopbackEndpoints = true) => {
    const { port } = agent.address() as AddressInfo;
    const node = testNode("n1", port, address) as unknown as KubeObject;
    return askNode(node, { nodes, clock, facts: { loopbackEndpoints } });
  };

  it("is asked for CPU and memory alone, and listened to", async () => {
    let asked = "";
    answer = (response, url) => {
      asked = url;
      response.end(JSON.stringify({ node: { nodeName: "n1" }, pods: [] }));
    };
    assert.deepEqual(await ask(), { node: undefined, pods: new Map() });
    assert.equal(asked, "/stats/summary?only_cpu_and_memory=true");
    assert.equal(clock.pending, 0);
  });

  it("is not listened to for ever, nor to whatever length, nor where it refuses", async () => {
    answer = (response) => response.writeHead(403).end("no");
    await assert.rejects(ask(), /^Error: it answers 403$/);
    answer = (response) => {
      const piece = Buffer.alloc(1024 * 1024, " ");
      const more = () => void response.write(piece, more);
      more();
    };
    await assert.rejects(ask(), /^Error: an answer of more than 2097152 bytes$/);
    let begun: () => void = () => {};
    answer = (response) => response.write("{", begun);
    const started = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const silent = assert.rejects(ask(), /^Error: no answer within 5000 ms$/);
    await started;
    await clock.advance(5_000);
    await silent;
  });

  it("is not asked at an address that means this machine to everybody", async () => {
    answer = () => assert.fail("asked");
    await assert.rejects(ask("127.0.0.1", false), /^Error: address 127.0.0.1 not allowed$/);
    await assert.rejects(ask("169.254.169.254"), /not allowed$/);
  });
});
