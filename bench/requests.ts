import { putRequest, rangeRequest } from "../proto/etcd.ts";
import { RequestTemplate } from "./generator/request-template.ts";
import type { Goal, JobLoad } from "./load.ts";

// What the tables of loads are made of.

export const keys = 10_000;
export const valueBytes = 256;
/** Neighbours in time are no neighbours in the order of keys; 7919 shares no factor with any number of keys in use. */
export const spreadOver = (count: number) => (n: number) => (n * 7919) % count;

export const put = "/etcdserverpb.KV/Put";
export const range = "/etcdserverpb.KV/Range";

const putTemplate = (bytes: number): RequestTemplate => {
  const value = new Uint8Array(bytes).fill(120);
  return new RequestTemplate((key) => putRequest.encode({ key, value }));
};

export const readTemplate = ({ serializable }: { readonly serializable: boolean }): RequestTemplate =>
  new RequestTemplate((key) => rangeRequest.encode({ key, serializable }));

/** Clients share up to 100 connections. */
const connectionsFor = (clients: number) => Math.min(clients, 100);

export function putLoad(clients: number, goals: readonly Goal[], bytes = valueBytes): Omit<JobLoad, "name"> {
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

export const bulk = { keyNumber: (n: number) => n, clients: 200, connections: 20 };
export const bulkOfPuts = { ...bulk, path: put, template: putTemplate(valueBytes) };
/** So many keys, in their order. */
export const written = (count: number) => ({ job: bulkOfPuts, requests: count });
