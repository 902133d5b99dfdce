import { bytes, id64, message, string } from "../../base/protobuf.ts";
import { WireError } from "../../base/wire.ts";
import { type InternalRaftRequestParts, internalRaftRequest } from "../../proto/etcd.ts";
import { OfflineError } from "./offline-error.ts";

/** etcdserverpb.Request, in which etcd up to 3.5 says what members are called and which version all of them speak. */
const v2Request = message({ id: id64(1), method: string(2), path: string(3), value: bytes(4) });
const attributesPath = /^\/0\/members\/([0-9a-f]{1,16})\/attributes$/;

/** An entry's payload as the store writes it, where it is a request of etcd's second API; undefined where it is none. Throws
 *  OfflineError for one that has no meaning here. */
export function translateV2Request(data: Uint8Array): Uint8Array | undefined {
  const request = readV2Request(data);
  if (request === undefined) return undefined;
  const { id, method, path } = request;
  const value = Buffer.from(request.value).toString();
  const member = attributesPath.exec(path)?.[1];
  if (method === "PUT" && member !== undefined)
    return encode({ header: { id }, clusterMemberAttrSet: attributesOf(BigInt(`0x${member}`), value) });
  if (method === "PUT" && path === "/0/version")
    return encode({ header: { id }, clusterVersionSet: { ver: value } });
  // Asks what time it is, for keys of the second API that end.
  if (method === "SYNC") return new Uint8Array(0);
  throw new OfflineError(
    `a request of etcd's second API (${method} ${path.slice(0, 80)}), whose keys this store does not have`,
  );
}

function readV2Request(data: Uint8Array) {
  try {
    const request = v2Request.decode(data);
    const isOne =
      /^[A-Z]{3,10}$/.test(request.method) && (request.path.startsWith("/") || request.method === "SYNC");
    return isOne ? request : undefined;
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}

function attributesOf(memberId: bigint, json: string) {
  const fields: unknown = JSON.parse(json);
  if (typeof fields !== "object" || fields === null)
    throw new OfflineError(`no member's attributes: ${json.slice(0, 80)}`);
  const name = "name" in fields ? String(fields.name) : "";
  const clientUrls =
    "clientURLs" in fields && Array.isArray(fields.clientURLs) ? fields.clientURLs.map(String) : [];
  return { memberId, memberAttributes: { name, clientUrls } };
}

function encode(request: InternalRaftRequestParts): Uint8Array {
  return internalRaftRequest.encode(request);
}
