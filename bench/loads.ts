import { utf8 } from "../base/wire.ts";
import {
  leaseGrantRequest,
  leaseKeepAliveRequest,
  putRequest,
  rangeRequest,
  txnRequest,
} from "../proto/etcd.ts";
import type { Job } from "./generator/drive.ts";
import { LeaseTemplate } from "./generator/lease-template.ts";
import { markedValue, TimedTemplate } from "./generator/marked-times.ts";
import { keyOf, keysEnd, RequestTemplate } from "./generator/request-template.ts";
import type { WatcherCount } from "./generator/watched.ts";

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
  /** Requests that are answered before the clock starts. Loads leave what others prepared as it is. */
  readonly prepared?: { readonly job: Job; readonly requests: number };
  /** The job's puts are watched, and the events are what is measured. */
  readonly watched?: WatcherCount;
  /** All revisions but the last are compacted while the load runs; one round. */
  readonly compacts?: boolean;
  /** Runs only where it is named. */
  readonly isLong?: true;
}

const keys = 10_000;
const valueBytes = 256;
/** Neighbours in time are no neighbours in the order of keys; 7919 shares no factor with any number of keys below. */
const spreadOver = (count: number) => (n: number) => (n * 7919) % count;

const put = "/etcdserverpb.KV/Put";
const range = "/etcdserverpb.KV/Range";

const putTemplate = (bytes: number): RequestTemplate => {
  const value = new Uint8Array(bytes).fill(120);
  return new RequestTemplate((key) => putRequest.encode({ key, value }));
};

const readTemplate = ({ serializable }: { readonly serializable: boolean }): RequestTemplate =>
  new RequestTemplate((key) => rangeRequest.encode({ key, serializable }));

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

const bulk = { keyNumber: (n: number) => n, clients: 200, connections: 20 };
/** So many keys, in their order. */
const written = (count: number) => ({
  job: { ...bulk, path: put, template: putTemplate(valueBytes) },
  requests: count,
});
const prepared = written(keys);

const leases = 10_000;
const granted = {
  job: {
    ...bulk,
    path: "/etcdserverpb.Lease/LeaseGrant",
    template: new LeaseTemplate((id) => leaseGrantRequest.encode({ id, ttl: 3600 })),
  },
  requests: leases,
};

const many = { clients: 1000, connections: 100, keyNumber: spreadOver(keys), prepared };

/** Keys that no other load reads. */
const sizedKeys = 20_000_000;
const sizedLoad = (name: string, bytes: number, clients: number): Load => ({
  name,
  ...putLoad(clients, [], bytes),
  keyNumber: (n) => sizedKeys + (n % 1000),
  isLong: true,
});

const million = 1_000_000;
const millionKeys = written(million);

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
    template: readTemplate({ serializable: false }),
    ...many,
  },
  {
    name: "get-serializable",
    what: "serializable read of a key, 1000 clients",
    goals: [{ figure: "perSecond", atLeast: 2.5 }],
    path: range,
    template: readTemplate({ serializable: true }),
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
  {
    name: "keep-alive",
    what: "keep-alive of a lease, 1000 clients with a stream each",
    goals: [{ figure: "perSecond", atLeast: 2 }],
    path: "/etcdserverpb.Lease/LeaseKeepAlive",
    template: new LeaseTemplate((id) => leaseKeepAliveRequest.encode({ id })),
    isStream: true,
    ...many,
    keyNumber: spreadOver(leases),
    prepared: granted,
  },
  {
    name: "watch",
    what: "events of one writer's puts of 256 bytes to 1000 watchers",
    goals: [
      { figure: "perSecond", atLeast: 2 },
      { figure: "p99Ms", atMost: 1 },
    ],
    path: put,
    template: new TimedTemplate(
      new RequestTemplate((key) => putRequest.encode({ key, value: markedValue(valueBytes) })),
    ),
    keyNumber: spreadOver(keys),
    clients: 1,
    connections: 1,
    watched: { watchers: 1000, connections: 100 },
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
    name: "memory-million",
    what: "serializable read of a key, 1 client, where there are 1,000,000 keys",
    goals: [{ figure: "peakMb", atMost: 0.8 }],
    path: range,
    template: readTemplate({ serializable: true }),
    keyNumber: spreadOver(million),
    prepared: millionKeys,
    clients: 1,
    connections: 1,
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
    prepared: millionKeys,
    clients: 1,
    connections: 1,
    isLong: true,
  },
  {
    name: "compaction",
    ...putLoad(100, [{ figure: "p99Ms", atMost: 1 }]),
    what: "put of 256 bytes, 100 clients, while 1,000,000 revisions are compacted",
    prepared: {
      job: { ...bulk, keyNumber: spreadOver(keys), path: put, template: putTemplate(valueBytes) },
      requests: million,
    },
    compacts: true,
    isLong: true,
  },
];
