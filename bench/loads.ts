import { latin1Bytes, utf8 } from "../base/wire.ts";
import { putRequest, rangeRequest, txnRequest } from "../proto/etcd.ts";

/** One kind of load: which method, and the body of the n-th request. */
export interface Load {
  readonly name: string;
  readonly what: string;
  readonly path: string;
  readonly connections: number;
  /** Requests in flight over all connections. */
  readonly clients: number;
  readonly body: (n: number) => Uint8Array;
  /** Keys written before the clock starts. */
  readonly prepareKeys: number;
}

const value = new Uint8Array(256).fill(120);
const keyOf = (n: number) => latin1Bytes(`bench/${String(n % 10_000).padStart(8, "0")}`);
const put = (n: number) => putRequest.encode({ key: keyOf(n), value });
const many = { connections: 20, clients: 400 };

export const loads: readonly Load[] = [
  {
    name: "put-1",
    what: "put, one client",
    path: "/etcdserverpb.KV/Put",
    connections: 1,
    clients: 1,
    body: put,
    prepareKeys: 0,
  },
  { name: "put", what: "put, 400 clients", path: "/etcdserverpb.KV/Put", ...many, body: put, prepareKeys: 0 },
  {
    name: "range",
    what: "linearizable range of one key, 400 clients",
    path: "/etcdserverpb.KV/Range",
    ...many,
    body: (n) => rangeRequest.encode({ key: keyOf(n) }),
    prepareKeys: 10_000,
  },
  {
    name: "range-serializable",
    what: "serializable range of one key, 400 clients",
    path: "/etcdserverpb.KV/Range",
    ...many,
    body: (n) => rangeRequest.encode({ key: keyOf(n), serializable: true }),
    prepareKeys: 10_000,
  },
  {
    name: "txn",
    what: "compare and put, 400 clients",
    path: "/etcdserverpb.KV/Txn",
    ...many,
    body: (n) =>
      txnRequest.encode({
        compare: [{ target: "VERSION", result: "GREATER", key: keyOf(n), version: 0 }],
        success: [{ requestPut: { key: keyOf(n), value } }],
        failure: [{ requestPut: { key: keyOf(n), value: utf8("first") } }],
      }),
    prepareKeys: 0,
  },
];
