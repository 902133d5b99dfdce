import { readFileSync } from "node:fs";
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { type AgentOptions, Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { connect as tlsConnect } from "node:tls";
import type { Clock } from "../../../../base/os/clock.ts";
import { trusting } from "../../../../base/os/trust.ts";
import { bodyText } from "../../reach/body-text.ts";
import type { Dialer } from "../../reach/dialer.ts";
import type { MetricsSource } from "../source.ts";
import { readQueryAnswer, readSeriesAnswer } from "./read-answer.ts";

export interface PrometheusConfig {
  /** http or https, with the path below which its API is. */
  readonly url: string;
  /** PEM. Absent: the system's authorities. */
  readonly ca: string | undefined;
  /** Read for each request, as tokens are replaced. */
  readonly tokenFile: string | undefined;
}

const answerTimeoutMs = 10_000;
const queryBytesMax = 8 * 1024 * 1024;
const seriesBytesMax = 32 * 1024 * 1024;
/** How long ago a series may have been seen last to be listed. */
const seriesAgeMs = 10 * 60_000;

/** `prometheus.monitoring.svc`: found through this server's own tables, as the machine that it runs on need not know such names. */
const serviceName = /^([a-z0-9-]+)\.([a-z0-9-]+)\.svc(?:\.cluster\.local)?$/;

/** A Prometheus, or what speaks its API. */
export function prometheusSource(
  { url, ca, tokenFile }: PrometheusConfig,
  { dialer, clock }: { readonly dialer: Dialer; readonly clock: Clock },
): MetricsSource {
  const base = new URL(url);
  const isTls = base.protocol === "https:";
  const port = Number(base.port || (isTls ? 443 : 80));
  const options: AgentOptions = { keepAlive: true, maxSockets: 8, ...(ca !== undefined && trusting(ca)) };
  const agent = isTls ? new HttpsAgent(options) : new HttpAgent(options);
  const [, name, namespace] = serviceName.exec(base.hostname) ?? [];
  if (name !== undefined && namespace !== undefined)
    agent.createConnection = (_options, done) => {
      dialer.service({ namespace, name, port }).then(
        (raw) => {
          if (!isTls) return done?.(null, raw);
          const secured = tlsConnect({
            ...(ca !== undefined && trusting(ca)),
            servername: base.hostname,
            socket: raw,
          });
          secured.once("close", () => raw.destroy());
          secured.once("error", (error) => done?.(error, secured));
          secured.once("secureConnect", () => done?.(null, secured));
        },
        (error: Error) => done?.(error, undefined as never),
      );
      return undefined;
    };
  const ask = async (
    path: string,
    form: URLSearchParams,
    { bytesMax, signal }: { readonly bytesMax: number; readonly signal: AbortSignal },
  ): Promise<string> => {
    const limit = new AbortController();
    const cancel = clock.after(answerTimeoutMs, () =>
      limit.abort(new Error(`no answer within ${answerTimeoutMs} ms`)),
    );
    const both = AbortSignal.any([limit.signal, signal]);
    const body = form.toString();
    try {
      const answer = await new Promise<IncomingMessage>((resolve, reject) => {
        const send = isTls ? httpsRequest : httpRequest;
        send({
          agent,
          method: "POST",
          host: base.hostname,
          port,
          path: `${base.pathname.replace(/\/$/, "")}${path}`,
          headers: {
            accept: "application/json",
            "content-type": "application/x-www-form-urlencoded",
            "content-length": Buffer.byteLength(body),
            ...(tokenFile !== undefined && {
              authorization: `Bearer ${readFileSync(tokenFile, "utf8").trim()}`,
            }),
          },
          signal: both,
        })
          .once("response", resolve)
          .once("error", reject)
          .end(body);
      });
      const text = await bodyText(answer, bytesMax);
      // Of a bad query Prometheus says why, in its usual form.
      if (answer.statusCode === 200 || answer.statusCode === 400 || answer.statusCode === 422) return text;
      throw new Error(`it answers ${answer.statusCode}`);
    } catch (error) {
      throw both.aborted ? both.reason : error;
    } finally {
      cancel();
    }
  };
  return {
    series: async ({ text }, signal) => {
      const start = String((clock.wallMs() - seriesAgeMs) / 1000);
      const form = new URLSearchParams({ "match[]": text, start });
      return readSeriesAnswer(await ask("/api/v1/series", form, { bytesMax: seriesBytesMax, signal }));
    },
    query: async (query, signal) =>
      readQueryAnswer(
        await ask("/api/v1/query", new URLSearchParams({ query }), { bytesMax: queryBytesMax, signal }),
      ),
    close: () => agent.destroy(),
  };
}
