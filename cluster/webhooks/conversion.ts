import type { KubeObject } from "../../client/types.ts";
import type { AnswerReview } from "./hook-table.ts";

/** Makes an object of another version of one. */
export type ConvertObject = (object: KubeObject, apiVersion: string) => object | Promise<object>;

/** Answers ConversionReviews by the test's function. */
export function conversionAnswer(convert: ConvertObject): AnswerReview {
  return async (review) => {
    const { apiVersion, kind } = review;
    const request = review.request as {
      readonly uid: string;
      readonly desiredAPIVersion: string;
      readonly objects: readonly KubeObject[];
    };
    const { uid, desiredAPIVersion, objects } = request;
    try {
      const convertedObjects: object[] = [];
      for (const object of objects)
        convertedObjects.push({
          ...(await convert(object, desiredAPIVersion)),
          apiVersion: desiredAPIVersion,
        });
      return { apiVersion, kind, response: { uid, convertedObjects, result: { status: "Success" } } };
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      return { apiVersion, kind, response: { uid, result: { status: "Failure", message } } };
    }
  };
}
