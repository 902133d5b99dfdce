import assert from "node:assert/strict";
import { Prng } from "../../base/os/random.ts";
import { SimpleTokens } from "./simple-tokens.ts";

describe("simple tokens", () => {
  let nowMs: number;
  let appliedIndex: number;
  let waits: number[];
  let tokens: SimpleTokens;
  beforeEach(() => {
    nowMs = 0;
    appliedIndex = 100;
    waits = [];
    tokens = new SimpleTokens({
      ttlMs: 1_000,
      monotonicMs: () => nowMs,
      random: new Prng(1),
      applied: (index) => {
        if (index <= appliedIndex) return undefined;
        waits.push(index);
        return Promise.resolve();
      },
    });
    tokens.enable();
  });
  const give = (name: string, index: number) => {
    const applied = { name, prefix: tokens.prefix(), index, revision: 1 };
    tokens.authenticated(applied);
    return tokens.issue(applied);
  };
  const owner = async (token: string) => (await tokens.owner(token, {}))?.name;

  it("are 16 letters and the place of their authentication", async () => {
    const token = give("ann", 42);
    assert.match(token, /^[a-zA-Z]{16}\.42$/);
    assert.notEqual(give("ann", 42), token);
    assert.equal(await owner(token), "ann");
  });

  it("hold as long as they are used", async () => {
    const used = give("ann", 1);
    const unused = give("bob", 2);
    nowMs = 900;
    assert.equal(await owner(used), "ann");
    nowMs = 1_000;
    assert.equal(await owner(unused), undefined);
    assert.equal(await owner(used), "ann");
    nowMs = 2_000;
    assert.equal(await owner(used), undefined);
  });

  it("take no memory once they have run out", () => {
    for (let index = 0; index < 100; index++) {
      nowMs += 100;
      give("ann", index);
    }
    assert.equal(tokens.count, 10);
  });

  it("are waited for where the log is not applied that far", async () => {
    assert.equal(await owner("someprefix.500"), undefined);
    assert.deepEqual(waits, [500]);
  });

  it("are no other texts", async () => {
    const token = give("ann", 7);
    for (const other of ["", ".", "7", "x.7", `${token}.7`, `${token} `, `${token.slice(0, -1)}x`, "a.-1"])
      assert.equal(await owner(other), undefined, other);
  });

  it("go with their user, and all when authentication is turned off", async () => {
    const [first, second] = [give("ann", 1), give("bob", 2)];
    tokens.forget("ann");
    assert.deepEqual([await owner(first), await owner(second)], [undefined, "bob"]);
    tokens.disable();
    tokens.enable();
    assert.equal(await owner(second), undefined);
  });

  it("are kept only while authentication is on", async () => {
    tokens.disable();
    assert.equal(await owner(give("ann", 1)), undefined);
  });
});
