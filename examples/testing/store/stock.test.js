import { strict as assert } from "node:assert";
import { after, before, it } from "node:test";
import { json, openStore } from "pintle/store";
import { take } from "./stock.js";

let store;
before(async () => {
  store = await openStore({ codec: json() });
});
after(() => store?.close());

it("takes what there is, and no more, however many ask at once", async () => {
  await store.put("stock/apples", 5);
  const taken = await Promise.all(Array.from({ length: 8 }, () => take(store, "apples", 1)));
  assert.equal(taken.filter((one) => one).length, 5);
  assert.equal((await store.get("stock/apples")).value, 0);
});
