import { leaseGrantRequest } from "../../proto/etcd.ts";
import { drive } from "../generator/drive.ts";
import { RequestTemplate } from "../generator/request-template.ts";
import type { Side } from "../peers.ts";

/** Longer than anybody measures. */
const ttl = 36_000;

/** Grants leases that nobody renews and no key is attached to. They stay when what this answers is called. */
export async function grantLeases({ endpoints, authorityPem }: Side, count: number): Promise<() => void> {
  const job = {
    path: "/etcdserverpb.Lease/LeaseGrant",
    template: new RequestTemplate(() => leaseGrantRequest.encode({ ttl })),
    keyNumber: (n: number) => n,
    clients: 100,
    connections: 10,
    ...(authorityPem === undefined ? {} : { authorityPem }),
  };
  const { failures, firstFailure } = await drive(job, endpoints, { requests: count });
  if (failures > 0) throw new Error(`${failures} leases were not granted: ${firstFailure}`);
  return () => undefined;
}
