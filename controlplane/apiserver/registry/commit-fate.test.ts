import assert from "node:assert/strict";
import { systemClock } from "../../../base/os/clock.ts";
import { latin1, utf8 } from "../../../base/wire.ts";
import type { KeyValue } from "../../../proto/mvcc.ts";
import { CallError } from "../../../store/client/call-error.ts";
import type { StoreClient } from "../../../store/client/store-client.ts";
import { txnRequestOf } from "../../../store/client/txn.ts";
import { storeErrors } from "../../../store/errors.ts";
import { EtcdStorage } from "./etcd-storage.ts";
import type { Transaction } from "./storage.ts";

/** How a sending of a transaction goes: well, or done and not answered, or not done and not answered, or refused. */
type Sending = "well" | "done, lost" | "lost" | "not taken" | "dropped";

/** A store of one key's history, behind a wire that loses answers. */
class LossyStore {
  readonly #history: { readonly revision: number; readonly value: string | undefined }[] = [];
  #revision = 1;
  sent = 0;
  sendings: Sending[] = [];
  /** What another client does right after a sending that was lost. */
  meanwhile: () => void = () => undefined;

  write(value: string | undefined): number {
    this.#revision += 1;
    this.#history.push({ revision: this.#revision, value });
    return this.#revision;
  }

  at(revision: number): KeyValue | undefined {
    const found = this.#history.filter((one) => one.revision <= revision).at(-1);
    if (found?.value === undefined) return undefined;
    return {
      key: utf8("k"),
      value: utf8(found.value),
      createRevision: 1,
      modRevision: found.revision,
      version: 1,
      lease: 0n,
    };
  }

  readonly client = {
    get: async (_key: string, { revision = this.#revision } = {}) => ({
      kv: this.at(revision),
      revision: this.#revision,
    }),
    txn: async (txn: Parameters<StoreClient["txn"]>[0]) => {
      const sending = this.sendings.shift() ?? "well";
      this.sent += 1;
      if (sending === "not taken") throw new CallError("UNAVAILABLE", storeErrors.LEADER_CHANGED.message);
      if (sending === "dropped") throw new CallError("UNKNOWN", storeErrors.PROPOSAL_DROPPED.message);
      const { compare, success } = txnRequestOf(txn) as {
        compare: readonly { modRevision: number }[];
        success: readonly { requestPut?: { value: Uint8Array } }[];
      };
      const current = this.at(this.#revision);
      const holds = (current?.modRevision ?? 0) === compare[0]?.modRevision;
      if (sending !== "lost" && holds) {
        const put = success[0]?.requestPut;
        this.write(put === undefined ? undefined : latin1(put.value));
      }
      if (sending !== "well") {
        this.meanwhile();
        throw new CallError("UNAVAILABLE", storeErrors.TIMEOUT_LEADER_FAIL.message);
      }
      const kvs = current === undefined ? [] : [current];
      return {
        succeeded: holds,
        revision: this.#revision,
        responses: holds ? [] : [{ responseRange: { kvs } }],
      };
    },
  } as unknown as StoreClient;

  readonly storage = new EtcdStorage(this.client, systemClock);
}

const put = (modRevision: number, value: string): Transaction => ({
  compare: [{ key: "k", modRevision }],
  writes: [{ type: "put", key: "k", value: utf8(value) }],
});
const remove = (modRevision: number): Transaction => ({
  compare: [{ key: "k", modRevision }],
  writes: [{ type: "delete", key: "k" }],
});
const unknown = { name: "StorageError", code: "unknown" };

describe("a write whose answer is lost", () => {
  it("that creates is never sent again: it might bring back what another deleted", async () => {
    const store = new LossyStore();
    store.sendings = ["done, lost"];
    store.meanwhile = () => store.write(undefined);
    await assert.rejects(store.storage.commit(put(0, "mine")), unknown);
    assert.equal(store.sent, 1);
    assert.equal(store.at(100), undefined);
  });

  it("that creates is done if what it made is there", async () => {
    const store = new LossyStore();
    store.sendings = ["done, lost"];
    assert.deepEqual(await store.storage.commit(put(0, "mine")), { ok: true, revision: 2 });
    assert.equal(store.sent, 1);
  });

  it("that creates is unknown if nothing, or another's, is there: it may still come", async () => {
    for (const others of [undefined, "another's"]) {
      const store = new LossyStore();
      store.sendings = ["lost"];
      if (others !== undefined) store.meanwhile = () => store.write(others);
      await assert.rejects(store.storage.commit(put(0, "mine")), unknown);
      assert.equal(store.sent, 1);
    }
  });

  it("that changes is done, where it was, though another changed it since", async () => {
    const store = new LossyStore();
    const before = store.write("before");
    store.sendings = ["done, lost"];
    store.meanwhile = () => {
      store.write("another's");
      store.write("and one more");
    };
    assert.deepEqual(await store.storage.commit(put(before, "mine")), { ok: true, revision: before + 1 });
  });

  it("that changes is refused if it was not done and another was faster", async () => {
    const store = new LossyStore();
    const before = store.write("before");
    store.sendings = ["lost"];
    store.meanwhile = () => store.write("another's");
    const result = await store.storage.commit(put(before, "mine"));
    assert.equal(result.ok, false);
    assert.equal(!result.ok && result.current[0]?.modRevision, before + 1);
  });

  it("that changes is sent again, and done once", async () => {
    for (const first of ["lost", "done, lost"] as const) {
      const store = new LossyStore();
      const before = store.write("before");
      store.sendings = [first];
      assert.deepEqual(await store.storage.commit(put(before, "mine")), { ok: true, revision: before + 1 });
      assert.equal(store.sent, 2);
    }
  });

  it("that changes is unknown if the object is gone since", async () => {
    const store = new LossyStore();
    const before = store.write("before");
    store.sendings = ["done, lost"];
    store.meanwhile = () => store.write(undefined);
    await assert.rejects(store.storage.commit(put(before, "mine")), unknown);
  });

  it("that deletes never takes another's object for the one it meant", async () => {
    const store = new LossyStore();
    const before = store.write("before");
    store.sendings = ["done, lost"];
    store.meanwhile = () => store.write("another's");
    await assert.rejects(store.storage.commit(remove(before)), unknown);
    assert.ok(store.at(100));
  });

  it("stays unknown when a later sending is certainly not taken", async () => {
    const store = new LossyStore();
    const before = store.write("before");
    store.sendings = ["lost", "not taken"];
    await assert.rejects(store.storage.commit(put(before, "mine")), unknown);
  });

  it("is called unavailable, which invites to ask again, only when it certainly was not taken", async () => {
    for (const sending of ["not taken", "dropped"] as const) {
      const store = new LossyStore();
      store.sendings = [sending];
      await assert.rejects(store.storage.commit(put(0, "mine")), { code: "unavailable" });
      assert.equal(store.sent, 1);
      assert.equal(store.at(100), undefined);
    }
  });
});
