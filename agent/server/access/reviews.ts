import type { RestClient } from "../../../client/rest.ts";
import { type Caller, everybody } from "./caller.ts";

/** What API servers are asked. Both reject where no answer is to be had. */
export interface Reviews {
  /** Whom a token names; undefined: nobody. */
  caller(token: string): Promise<Caller | undefined>;
  /** May they do this to the node? */
  may(caller: Caller, verb: string, subresource: string): Promise<boolean>;
}

interface TokenStatus {
  readonly authenticated?: boolean;
  readonly user?: {
    readonly username?: string;
    readonly uid?: string;
    readonly groups?: readonly string[];
    readonly extra?: Readonly<Record<string, readonly string[]>>;
  };
}

export function reviewsBy(client: Pick<RestClient, "raw">, nodeName: string): Reviews {
  const review = async <T>(group: string, kind: string, spec: object): Promise<T | undefined> => {
    const path = `/apis/${group}/v1/${kind.toLowerCase()}s`;
    const answer = await client.raw("POST", path, { kind, apiVersion: `${group}/v1`, metadata: {}, spec });
    return (JSON.parse(answer) as { status?: T }).status;
  };
  return {
    async caller(token) {
      const spec = { token };
      const status = await review<TokenStatus>("authentication.k8s.io", "TokenReview", spec);
      const { username = "", uid = "", groups = [], extra } = status?.user ?? {};
      if (status?.authenticated !== true || username === "") return undefined;
      return {
        name: username,
        ...(uid !== "" && { uid }),
        groups: [...new Set([...groups, everybody])],
        ...(extra !== undefined && { extra }),
      };
    },
    async may({ name, ...who }, verb, subresource) {
      const resourceAttributes = { verb, version: "v1", resource: "nodes", subresource, name: nodeName };
      const spec = { user: name, ...who, resourceAttributes };
      const status = await review<{ allowed?: boolean }>("authorization.k8s.io", "SubjectAccessReview", spec);
      return status?.allowed === true;
    },
  };
}
