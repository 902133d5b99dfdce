import { shown } from "../../base/shown.ts";
import { orAbsent } from "../../client/api-error.ts";
import { kinds } from "../../client/kube/kinds.ts";
import type { KubeClient } from "../../client/kube/kube-client.ts";
import {
  type AdmissionRequest,
  admissionAnswer,
  checkWebhookOptions,
  type Webhook,
  type WebhookOptions,
  webhookConfiguration,
} from "./admission-webhook.ts";
import { type ConvertObject, conversionAnswer } from "./conversion.ts";
import type { AnswerReview, HookTable } from "./hook-table.ts";

/** No name of anything on a network. */
const origin = "https://webhooks.test.invalid";
/** The newest are kept. */
const recordedMost = 10_000;

/** Webhooks that are functions of the test. */
export class Webhooks {
  readonly #client: KubeClient;
  readonly #table: HookTable;
  #made = 0;

  constructor(client: KubeClient, table: HookTable) {
    this.#client = client;
    this.#table = table;
  }

  async add<T>(options: WebhookOptions<T>): Promise<Webhook> {
    checkWebhookOptions(options as WebhookOptions<never>);
    const name = options.name ?? `webhook-${++this.#made}.test.pintle.dev`;
    const url = `${origin}/${name}`;
    const configuration = webhookConfiguration(options, { name, url });
    const requests: AdmissionRequest[] = [];
    this.#table.set(
      url,
      admissionAnswer(options, (request) => {
        if (requests.push(request) > 2 * recordedMost) requests.splice(0, recordedMost);
      }),
    );
    try {
      await this.#client.apply(configuration);
    } catch (error) {
      this.#table.retire(url);
      throw error;
    }
    let isRemoved = false;
    const remove = async () => {
      if (isRemoved) return; // another may have its name by now
      await orAbsent(this.#client.delete(configuration));
      isRemoved = true;
      this.#table.retire(url);
    };
    return { name, requests, remove };
  }

  async convert(definition: string, convert: ConvertObject): Promise<void> {
    if (typeof definition !== "string")
      throw new TypeError(`definition: ${shown(definition)} must be the name of a CustomResourceDefinition`);
    if (typeof convert !== "function") throw new TypeError(`convert: ${shown(convert)} must be a function`);
    const url = `${origin}/convert/${definition}`;
    this.#table.retire(url);
    this.#table.set(url, conversionAnswer(convert));
    const webhook = { clientConfig: { url }, conversionReviewVersions: ["v1"] };
    const conversion = { strategy: "Webhook", webhook };
    const { CustomResourceDefinition } = kinds;
    const change = { spec: { conversion } };
    await this.#client.patch(CustomResourceDefinition, { name: definition }, change, { type: "merge" });
  }

  answerFor(service: string, answer: AnswerReview): void {
    const [, namespace = "", name = "", port = "443"] = /^([^/:]+)\/([^/:]+)(?::(\d+))?$/.exec(service) ?? [];
    if (name === "")
      throw new TypeError(`service: ${shown(service)} must be NAMESPACE/NAME, or NAMESPACE/NAME:PORT`);
    if (typeof answer !== "function") throw new TypeError(`answer: ${shown(answer)} must be a function`);
    this.#table.set(`https://${name}.${namespace}.svc:${port}/`, answer);
  }
}
