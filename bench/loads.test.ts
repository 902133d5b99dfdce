import assert from "node:assert/strict";
import type { Load } from "./load.ts";
import { loadNamed, loadsAt, shortLoads } from "./loads.ts";
import { longLoads } from "./long-loads.ts";

describe("the tables of loads", () => {
  it("have each name once, at any scale", () => {
    const names = loadsAt(1).map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
    assert.deepEqual(
      loadsAt(0.001).map(({ name }) => name),
      names,
    );
  });

  it("multiply the large numbers of long loads, and what a load says of itself with them", () => {
    const at = (scale: number, name: string) => loadNamed(name, longLoads(scale));
    for (const [scale, million, leases, watchers] of [
      [1, "1,000,000", "100,000", "10000 watchers on 1,000 streams"],
      [0.02, "20,000", "2,000", "200 watchers on 20 streams"],
      [1e-6, "1,000", "1", "10 watchers on 1 stream$"],
    ] as const) {
      assert.match(at(scale, "restart-million").what, new RegExp(`with ${million} keys`));
      const tenMillion = (10 * Number(million.replaceAll(",", ""))).toLocaleString("en-US");
      assert.match(at(scale, "load-ten-million").what, new RegExp(`load of ${tenMillion} keys`));
      assert.match(at(scale, "lease-100k").what, new RegExp(`of ${leases} leases`));
      assert.match(at(scale, "watch-10k").what, new RegExp(watchers));
      assert.equal(preparedBy(at(scale, "restart-million")), Number(million.replaceAll(",", "")));
    }
  });

  it("share the keys that several loads need, so that they are written once", () => {
    const million = longLoads(0.5).filter(({ name }) =>
      /(memory|keys|restart|restart-all)-million$/.test(name),
    );
    assert.equal(million.length, 4);
    assert.equal(new Set(million.map(({ prepared }) => prepared)).size, 1);
  });

  it("say which loads there are where one is not", () => {
    assert.throws(
      () => loadNamed("put-7", shortLoads),
      /no load "put-7"; there are put-1, put-1-follower, put-10,/,
    );
  });
});

const preparedBy = ({ prepared }: Load) => prepared?.requests;
