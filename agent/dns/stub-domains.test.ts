import assert from "node:assert/strict";
import { ServerOrder } from "./server-order.ts";
import { parseStubDomains, stubServers } from "./stub-domains.ts";

describe("domains that servers of their own know", () => {
  const read = (...texts: string[]) => parseStubDomains(texts, "cluster.local");

  it("are read with one server or several, with a port or the usual one", () => {
    const { domains, problems } = read(
      "Corp.Example.=10.0.0.1",
      "corp.example=10.0.0.2:5353",
      "lab.corp.example=[fd00::1]:54",
      "v6.example=fd00::2",
    );
    assert.deepEqual(problems, []);
    const serversOf = (name: string) =>
      stubServers(domains, name.split("."))?.map(({ address, port }) => `${address} ${port}`);
    assert.deepEqual(serversOf("www.corp.example"), ["10.0.0.1 53", "10.0.0.2 5353"]);
    assert.deepEqual(serversOf("corp.example"), ["10.0.0.1 53", "10.0.0.2 5353"]);
    assert.deepEqual(serversOf("a.lab.corp.example"), ["fd00::1 54"], "the longest");
    assert.deepEqual(serversOf("v6.example"), ["fd00::2 53"]);
    for (const name of ["notcorp.example", "example", "corp.example.org"])
      assert.equal(serversOf(name), undefined, name);
    // A label that holds a dot is no two labels.
    assert.equal(stubServers(domains, ["a", "corp", "example", "org"]), undefined);
  });

  it("are named where they are none, or the cluster's", () => {
    for (const text of [
      "corp.example",
      "corp.example=",
      "=10.0.0.1",
      "a b=10.0.0.1",
      "corp.example=dns.example",
      "corp.example=10.0.0.1:0",
      "corp.example=10.0.0.1:65536",
      "corp.example=fd00::1:53:x",
      "corp.example=[10.0.0.1]:53",
      "corp.example=10.0.0.1=2",
    ])
      assert.deepEqual(read(text).problems, [
        `${JSON.stringify(text)} is not DOMAIN=ADDRESS or DOMAIN=ADDRESS:PORT`,
      ]);
    assert.deepEqual(read("svc.cluster.local=10.0.0.1").problems, [
      '"svc.cluster.local=10.0.0.1" is the cluster\'s own to answer',
    ]);
  });
});

describe("the order in which servers are asked", () => {
  const [a, b, c] = ["10.0.0.1", "10.0.0.2", "10.0.0.3"].map((address) => ({ address, port: 53 }));
  const places = [a, b, c].flatMap((place) => place ?? []);
  const said = (order: ServerOrder, inTurn: boolean, nowMs = 0) =>
    order
      .of({ places, inTurn }, nowMs)
      .map(({ address }) => address.at(-1))
      .join("");

  it("is theirs, or each is the first in its turn", () => {
    const order = new ServerOrder();
    assert.deepEqual([said(order, false), said(order, false)], ["123", "123"]);
    assert.deepEqual(
      [1, 2, 3, 4].map(() => said(order, true)),
      ["123", "231", "312", "123"],
    );
  });

  it("has who does not answer last, for a while or until it answers", () => {
    const order = new ServerOrder();
    for (const place of [a, b]) if (place !== undefined) order.silent(place, 0);
    assert.equal(said(order, false, 9_999), "312");
    assert.equal(said(order, false, 10_000), "123");
    if (a !== undefined) order.answered(a);
    assert.equal(said(order, false, 9_999), "132");
  });
});
