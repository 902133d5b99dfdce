const assert = require("node:assert/strict");
const { after, before, it } = require("node:test");
const { connect } = require("pintle/etcd");
const { openStore } = require("pintle/store");
const { once } = require("./once.js");

// A store in this process in place of the etcd that the program will have.
let store;
before(async () => {
  store = await openStore({ listen: "http://127.0.0.1:0" });
});
after(() => store?.close());

it("does a job once, however many clients want it done", async () => {
  const clients = Array.from({ length: 4 }, () => connect(store.urls));
  try {
    let times = 0;
    const did = await Promise.all(
      clients.map((etcd) =>
        once(etcd, "migration", async () => {
          times++;
        }),
      ),
    );
    assert.equal(times, 1);
    assert.equal(did.filter((one) => one).length, 1);
  } finally {
    await Promise.all(clients.map((etcd) => etcd.close()));
  }
});
