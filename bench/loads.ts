import { utf8 } from "../base/wire.ts";
import { putRequest, rangeRequest, txnRequest } from "../proto/etcd.ts";
import type { Job } from "./generator/drive.ts";
import { keyOf, keysEnd, RequestTemplate } from "./generator/request-template.ts";

/** The figures of a round that are compared. */
export type Figure = "perSecond" | "p50Ms" | "p99Ms" | "cpuMsPerThousand" | "peakMb";

/** What Pintle's figure divided by the other's is to be, at least or at most. */
export type Goal = { readonly figure: Figure } & ({ readonly atLeast: number } | { readonly atMost: number });

/** One kind of load: a row of the report. */
export interface Load extends Job {
  readonly name: string;
  readonly what: string;
  readonly goals: readonly Goal[];
  /** Where each cluster is one member. */
  readonly goalsAlone?: readonly Goal[];
  /** The load is so many requests, once, instead of rounds of some seconds. */
  readonly requests?: number;
  /** Keys, and the bytes of their values, that are written before the clock starts. */
  readonly prepared?: { readonly keys: number; readonly valueBytes: number };
  /** Runs only where it is named. */
  readonly isLong?: true;
}

const keys = 10_000;
const valueBytes = 256;
const prepared = { keys, valueBytes };
/** Neighbours in time are no neighbours in the order of keys; 7919 shares no factor with any number of keys below. */
const spreadOver = (count: number) => (n: number) => (n * 7919) % count;

const put = "/etcdserverpb.KV/Put";
const range = "/etcdserverpb.KV/Range";

const putTemplate = (bytes: number): RequestTemplate => {
  const value = new Uint8Array(bytes).fill(120);
  return new RequestTemplate((key) => putRequest.encode({ key, value }));
};

/** Clients share up to 100 connections. */
const connectionsFor = (clients: number) => Math.min(clients, 100);

function putLoad(clients: number, goals: readonly Goal[], bytes = valueBytes): Omit<Load, "name"> {
  return {
    what: `put of ${bytes} bytes, ${clients} ${clients === 1 ? "client" : "clients"}`,
    goals,
    path: put,
    template: putTemplate(bytes),
    keyNumber: spreadOver(keys),
    clients,
    connections: connectionsFor(clients),
  };
}

const many = { clients: 1000, connections: 100, keyNumber: spreadOver(keys), prepared };

/** Writes keys in their order; not measured. */
export function preparation({ keys: count, valueBytes: bytes }: NonNullable<Load["prepared"]>): Job {
  return {
    path: put,
    template: putTemplate(bytes),
    keyNumber: (n) => n % count,
    clients: 200,
    connections: 20,
  };
}

/** Keys that no other load reads. */
const sizedKeys = 20_000_000;
const sizedLoad = (name: string, bytes: number, clients: number): Load => ({
  name,
  ...putLoad(clients, [], bytes),
  keyNumber: (n) => sizedKeys + (n % 1000),
  isLong: true,
});

const million = 1_000_000;

export const loads: readonly Load[] = [
  { name: "put-1", ...putLoad(1, [{ figure: "p50Ms", atMost: 1 }]) },
  { name: "put-10", ...putLoad(10, []) },
  { name: "put-100", ...putLoad(100, []) },
  {
    name: "put-1000",
    ...putLoad(1000, [
      { figure: "perSecond", atLeast: 2 },
      { figure: "p99Ms", atMost: 1 },
    ]),
    goalsAlone: [{ figure: "perSecond", atLeast: 1.5 }],
  },
  {
    name: "txn",
    what: "compare and put of 256 bytes, 1000 clients",
    goals: [{ figure: "perSecond", atLeast: 3 }],
    path: "/etcdserverpb.KV/Txn",
    template: new RequestTemplate((key) =>
      txnRequest.encode({
        compare: [{ target: "VERSION", result: "GREATER", key, version: 0 }],
        success: [{ requestPut: { key, value: new Uint8Array(valueBytes).fill(120) } }],
        failure: [{ requestPut: { key, value: utf8("first") } }],
      }),
    ),
    ...many,
  },
  {
    name: "get",
    what: "linearizable read of a key, 1000 clients",
    goals: [{ figure: "perSecond", atLeast: 2 }],
    path: range,
    template: new RequestTemplate((key) => rangeRequest.encode({ key })),
    ...many,
  },
  {
    name: "get-serializable",
    what: "serializable read of a key, 1000 clients",
    goals: [{ figure: "perSecond", atLeast: 2.5 }],
    path: range,
    template: new RequestTemplate((key) => rangeRequest.encode({ key, serializable: true })),
    ...many,
  },
  {
    name: "range-1000",
    what: "range of 1000 keys of 256 bytes, 100 clients",
    goals: [{ figure: "perSecond", atLeast: 1.5 }],
    path: range,
    template: new RequestTemplate((key) => rangeRequest.encode({ key, rangeEnd: keysEnd, limit: 1000 })),
    keyNumber: spreadOver(keys - 1000),
    prepared,
    clients: 100,
    connections: 20,
  },
  sizedLoad("put-16-bytes", 16, 1000),
  sizedLoad("put-4-kib", 4096, 1000),
  sizedLoad("put-64-kib", 65_536, 100),
  sizedLoad("put-1-mib", 1_048_576, 10),
  {
    name: "load-million",
    ...putLoad(1000, [{ figure: "perSecond", atLeast: 2 }]),
    what: "load of 1,000,000 keys in their order, 256 bytes, 1000 clients",
    keyNumber: (n) => n,
    requests: million,
    isLong: true,
  },
  {
    name: "keys-million",
    what: "range of 1,000,000 keys without values, 1 client",
    goals: [{ figure: "perSecond", atLeast: 1.5 }],
    path: range,
    template: new RequestTemplate(() =>
      rangeRequest.encode({ key: keyOf(0), rangeEnd: keyOf(million), keysOnly: true }),
    ),
    keyNumber: (n) => n,
    prepared: { keys: million, valueBytes },
    clients: 1,
    connections: 1,
    isLong: true,
  },
];
