import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { Prng } from "../os/random.ts";
import { failpoint } from "./failpoint.ts";
import { armAll, failpointServer } from "./http-api.ts";
import { Terms } from "./terms.ts";

describe("terms", () => {
  const kinds = (text: string, times: number) => {
    const terms = new Terms(text, new Prng(1));
    return Array.from({ length: times }, () => terms.next()?.kind);
  };

  it("act one after the other, each as often as it says", () => {
    assert.deepEqual(kinds('2*sleep(10)->1*return("a")->off', 4), ["sleep", "sleep", "return", "off"]);
    assert.deepEqual(kinds("1*panic", 2), ["panic", undefined]);
    const some = kinds("25.0%print", 1_000).filter((kind) => kind === "print").length;
    assert.ok(some > 150 && some < 350, String(some));
  });

  it("read what stands in brackets", () => {
    const argumentOf = (text: string) => new Terms(text, new Prng(1)).next()?.value;
    assert.deepEqual(["return", "return()", "return(5)", "return(true)", 'return("a b")'].map(argumentOf), [
      undefined,
      undefined,
      5,
      true,
      "a b",
    ]);
  });

  it("refuse what is none", () => {
    for (const text of ["", "jump", "panic->", "return(a)", "5panic", "return(1"])
      assert.throws(
        () => new Terms(text, new Prng(1)),
        { message: "failpoint: could not parse terms" },
        text,
      );
  });
});

describe("failpoints", () => {
  const one = failpoint("testOne");
  const absent = { testGone: "it has no place" };
  afterEach(() => one.disarm());

  it("do nothing until they are armed", async () => {
    assert.equal(one.armed, false);
    armAll("testOne=1*sleep(1)->return(7);", absent);
    assert.equal(one.armed, true);
    await one.pass();
    assert.equal(one.returned(), "7");
    assert.equal(one.terms?.count, 2);
    assert.throws(() => armAll("testGone=panic", absent), /testGone: it has no place/);
    assert.throws(() => armAll("testOne", absent), /bad failpoint "testOne"/);
  });

  it("are read, armed and disarmed over HTTP as gofail's are", async () => {
    const server = failpointServer(absent).listen(0, "127.0.0.1");
    await once(server, "listening");
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const ask = async (method: string, path: string, body?: string) => {
      const answer = await fetch(url + path, { method, ...(body !== undefined && { body }) });
      return [answer.status, await answer.text()];
    };
    try {
      assert.deepEqual(await ask("GET", "/testOne"), [
        404,
        "failed to GET: failpoint: failpoint is disabled\n\n",
      ]);
      assert.deepEqual(await ask("PUT", "/testOne", "sleep(1)"), [204, ""]);
      assert.deepEqual(await ask("GET", "/testOne"), [200, "sleep(1)\n"]);
      assert.match(String((await ask("GET", "/"))[1]), /^testOne=sleep\(1\)$/m);
      await one.pass();
      assert.deepEqual(await ask("GET", "/testOne/count"), [200, "1"]);
      assert.deepEqual(await ask("DELETE", "/testOne"), [204, ""]);
      assert.match(String((await ask("GET", "/"))[1]), /^testOne=$/m);
      assert.deepEqual(await ask("DELETE", "/testOne"), [
        400,
        "failed to delete failpoint failpoint: failpoint is disabled\n",
      ]);
      assert.deepEqual(await ask("PUT", "/failpoints", "testOne=off"), [204, ""]);
      assert.deepEqual(await ask("PUT", "/testNone", "off"), [
        400,
        "fail to set failpoint: failpoint: failpoint does not exist: testNone\n",
      ]);
      assert.equal((await ask("PUT", "/testOne", "jump"))[0], 400);
      assert.equal((await ask("POST", "/testOne", "off"))[0], 405);
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });
});
