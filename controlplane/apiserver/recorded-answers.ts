import { readdirSync, readFileSync } from "node:fs";
import type { ClientRequest } from "node:http";
import { request as httpsRequest, type RequestOptions } from "node:https";
import { setTimeout } from "node:timers/promises";
import type { TestClient } from "./testing.ts";

/** Sequences of requests with the answers that a real kube-apiserver gave, for comparing ours with them. */
export interface Step {
  /** `METHOD /path?query`; `{ns}` stands for a namespace of the sequence's own, in the body too; `{uid of NAME}` in the body for
   *  the uid of what an earlier answer gave under this name. */
  readonly ask: string;
  readonly type?: string;
  /** A string is sent as it is, but for that. */
  readonly body?: unknown;
  /** Whom the client acts as, if as somebody else; `{ns}` as above. */
  readonly as?: {
    readonly user?: string;
    readonly groups?: readonly string[];
    readonly uid?: string;
    readonly extra?: Readonly<Record<string, readonly string[]>>;
  };
  /** The service account of the namespace that asks, by a token of its own; left out: the client. */
  readonly by?: string;
  /** Asked until it is answered with this code: servers may decide by what they have been told of the store so far. */
  readonly until?: number;
  /** Only made for the steps that follow: its answer is not compared, but must be a success. */
  readonly setup?: true;
  readonly answer?: Recorded;
}
export type Sequences = Readonly<Record<string, readonly Step[]>>;

const folder = new URL("testdata/answers/", import.meta.url);

export const recordedPath = (file: string) => new URL(file, folder);

export function recordedFiles(): readonly string[] {
  return readdirSync(folder).filter((name) => name.endsWith(".json"));
}

export function recordedIn(file: string): Sequences {
  return JSON.parse(readFileSync(recordedPath(file), "utf8"));
}

export interface Recorded {
  readonly code: number;
  readonly body: unknown;
  readonly warnings?: readonly string[];
}

const patchTypes: Readonly<Record<string, string>> = {
  MERGE: "application/merge-patch+json",
  STRATEGIC: "application/strategic-merge-patch+json",
  JSON: "application/json-patch+json",
  APPLY: "application/apply-patch+yaml",
};

const askedMost = 500;
const askedEveryMs = 20;

/** Asks one step after the other – as a service account through `stranger`, who has no certificate – and gives the steps with
 *  their answers. Times, uids and versions are masked. */
export async function answersOf(
  client: Pick<TestClient, "call">,
  steps: readonly Step[],
  namespace: string,
  stranger: Pick<TestClient, "call"> = client,
): Promise<readonly Step[]> {
  await client.call("POST", "/api/v1/namespaces", { body: { metadata: { name: namespace } } });
  const answered: Step[] = [];
  const uids = new Map<string, string>();
  for (const step of steps) {
    const [verb = "", path = ""] = step.ask.split(" ");
    const type = step.type ?? patchTypes[verb] ?? "application/json";
    const bearer = step.by && (await tokenOf(client, namespace, step.by));
    const ask = () =>
      (bearer ? stranger : client).call(
        verb in patchTypes ? "PATCH" : verb,
        path.replaceAll("{ns}", namespace),
        {
          ...(step.body !== undefined && { body: withUids(inNamespace(step.body, namespace), uids), type }),
          headers: {
            "user-agent": "tester/1",
            ...(bearer && { authorization: `Bearer ${bearer}` }),
            ...actingAs(step.as && JSON.parse(inNamespace(step.as, namespace))),
          },
        },
      );
    let reply = await ask();
    for (let asked = 1; step.until !== undefined && reply.code !== step.until; asked++) {
      if (asked === askedMost) throw new Error(`${step.ask} is answered with ${reply.code}: ${reply.text}`);
      await setTimeout(askedEveryMs);
      reply = await ask();
    }
    const { code, body, headers, text } = reply;
    const { name, uid } = body?.metadata ?? {};
    if (uid !== undefined) uids.set(name, uid);
    if (step.setup === true) {
      if (code >= 300) throw new Error(`${step.ask} is answered with ${code}: ${text}`);
      answered.push(step);
      continue;
    }
    const said = headers.warning;
    const warnings = said === undefined ? [] : typeof said === "string" ? said.split(/, (?=299 )/) : said;
    const answer = masked({ code, body: body ?? text, ...(warnings.length > 0 && { warnings }) }, namespace);
    answered.push({ ...step, answer });
  }
  return answered;
}

function actingAs(as: Step["as"]): Readonly<Record<string, string | readonly string[]>> {
  if (as === undefined) return {};
  const { user, uid, groups, extra = {} } = as;
  return {
    ...(user !== undefined && { "impersonate-user": user }),
    ...(uid !== undefined && { "impersonate-uid": uid }),
    ...(groups && { "impersonate-group": groups }),
    ...Object.fromEntries(
      Object.entries(extra).map(([name, values]) => [
        `impersonate-extra-${encodeURIComponent(name)}`,
        values,
      ]),
    ),
  };
}

async function tokenOf(
  { call }: Pick<TestClient, "call">,
  namespace: string,
  account: string,
): Promise<string> {
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`;
  const { code, body, text } = await call("POST", path, { body: {} });
  if (code !== 201) throw new Error(`no token for ${account}: ${text}`);
  return body.status.token;
}

function inNamespace(body: unknown, namespace: string): string {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return text.replaceAll("{ns}", namespace);
}

const withUids = (text: string, uids: ReadonlyMap<string, string>) =>
  text.replaceAll(/\{uid of ([^}]+)\}/g, (_all, name: string) => uids.get(name) ?? "");

/** What a watch of a collection tells of what has changed since a version, for as long as a second: kinds and objects of events,
 *  masked as answers are. */
export async function eventsOf(
  { call }: Pick<TestClient, "call">,
  { path, since, namespace }: Readonly<Record<"path" | "since" | "namespace", string>>,
): Promise<readonly unknown[]> {
  const asked = `labelSelector=of%3D${namespace}&watch=true&timeoutSeconds=1&resourceVersion=${since}`;
  const { text } = await call("GET", `${path}?${asked}`);
  const lines = text.split("\n").filter((line) => line !== "");
  return lines.map((line) => masked({ code: 200, body: JSON.parse(line) }, namespace).body);
}

/** The version from which on a watch is to tell. */
export async function versionNow({ call }: Pick<TestClient, "call">, path: string): Promise<string> {
  const { body } = await call("GET", `${path}?limit=1`);
  return body.metadata.resourceVersion;
}

function masked(answer: Recorded, namespace: string): Recorded {
  const text = JSON.stringify(managersByName(answer))
    .replaceAll(namespace, "{ns}")
    .replaceAll(/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, "<uid>")
    .replaceAll(/\b2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, (time) =>
      Math.abs(Date.parse(time) - Date.now()) < dayMs ? "<time>" : time,
    )
    .replaceAll(/(resourceVersion\\*":\s*\\*")[1-9]\d*/g, "$1<version>")
    .replaceAll(/("token":")eyJ[^"]+/g, "$1<token>")
    .replaceAll(/("continue":")[^"]+/g, "$1<continue>")
    .replaceAll(/in record \(\d+\)/g, "in record (<version>)")
    .replaceAll(/(\\*")(clusterIP|podIP)\1:\1[\d.]+\1/g, "$1$2$1:$1<ip>$1")
    .replaceAll(/(\\*")(clusterIPs)\1:\[\1[\d.]+\1\]/g, "$1$2$1:[$1<ip>$1]");
  return JSON.parse(text);
}

/** Managers stand by time, which nobody can foretell within a second or two: here by what they did and who they are. */
export function managersByName(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(managersByName);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [
      name,
      name === "managedFields" && Array.isArray(one)
        ? [...one].sort((a, b) => (whoOf(a) < whoOf(b) ? -1 : 1))
        : managersByName(one),
    ]),
  );
}

const whoOf = ({ operation, manager, subresource, apiVersion }: Readonly<Record<string, unknown>>) =>
  `${operation} ${manager} ${subresource ?? ""} ${apiVersion}`;

const dayMs = 86_400_000;

/** A client of a kube-apiserver that takes a bearer token, whoever signed its certificate. */
export function tokenClient(
  url: string,
  token: string,
  open: (url: string, options: RequestOptions) => ClientRequest = (at, options) =>
    httpsRequest(at, { ...options, rejectUnauthorized: false }),
): Pick<TestClient, "call"> {
  return {
    call: (method, path, { body, type = "application/json", headers = {} } = {}) =>
      new Promise((resolve, reject) => {
        const text = typeof body === "string" || body === undefined ? body : JSON.stringify(body);
        const request = open(`${url}${path}`, {
          method,
          headers: {
            ...(token !== "" && { authorization: `Bearer ${token}` }),
            ...(text !== undefined && { "content-type": type, "content-length": Buffer.byteLength(text) }),
            ...(headers as Record<string, string | string[]>),
          },
        });
        request.on("error", reject);
        request.on("response", (response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.on("end", () => {
            const bytes = Buffer.concat(chunks);
            const text = bytes.toString("utf8");
            const isJson = /json/.test(response.headers["content-type"] ?? "");
            resolve({
              code: response.statusCode ?? 0,
              headers: response.headers,
              text,
              bytes,
              // Read when asked for: the lines of a watch are no JSON as a whole.
              get body() {
                return isJson && text !== "" ? JSON.parse(text) : undefined;
              },
            });
          });
        });
        request.end(text);
      }),
  };
}
