import { UsageError } from "../base/os/flags.ts";
import { utf8 } from "../base/wire.ts";
import { leaseGrantRequest, leaseKeepAliveRequest, rangeRequest, txnRequest } from "../proto/etcd.ts";
import { LeaseTemplate } from "./generator/lease-template.ts";
import { keysEnd, RequestTemplate } from "./generator/request-template.ts";
import type { JobLoad, Load, Role } from "./load.ts";
import { longLoads } from "./long-loads.ts";
import { bulk, keys, putLoad, range, readTemplate, spreadOver, valueBytes, written } from "./requests.ts";
import { watchedPuts } from "./watched-puts.ts";

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

/** One client of one member. */
function onePut(asks: Role): JobLoad {
  const load = putLoad(1, [{ figure: "p50Ms", atMost: 1 }]);
  const name = asks === "leader" ? "put-1" : "put-1-follower";
  const what = `${load.what} of ${asks === "leader" ? "the" : "a"} ${asks}`;
  // One client would need minutes for the thousands of requests after which all that they pass is compiled.
  return { ...load, name, what, asks, warmedUpBy: "put-100" };
}

/** Loads that run where none is named. */
export const shortLoads: readonly Load[] = [
  ...(["leader", "follower"] as const).map(onePut),
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
    ...watchedPuts({ streams: 1000, watchersPerStream: 1, connections: 100 }),
    goals: [
      { figure: "perSecond", atLeast: 2 },
      { figure: "p99Ms", atMost: 1 },
    ],
  },
];

/** All there are.
 *  @param scale Of the long ones. */
export const loadsAt = (scale: number): readonly Load[] => [...shortLoads, ...longLoads(scale)];

/** The load of a name; throws where there is none. */
export function loadNamed(name: string, loads: readonly Load[]): Load {
  const load = loads.find((row) => row.name === name);
  if (load === undefined)
    throw new UsageError(`no load "${name}"; there are ${loads.map((row) => row.name).join(", ")}`);
  return load;
}
