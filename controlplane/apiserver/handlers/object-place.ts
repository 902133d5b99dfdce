import { badRequest } from "../api-error.ts";

/** Fails with BadRequest where an object, or a request, is not of the name that its URL gives. */
export function requireName(given: string, inUrl: string): void {
  if (given === "")
    throw badRequest(
      `the name of the object (${inUrl} based on URL) was undeterminable: name must be provided`,
    );
  if (given !== inUrl)
    throw badRequest(`the name of the object (${given}) does not match the name on the URL (${inUrl})`);
}

/** Fails with BadRequest where an object, or a request, names another namespace than its URL. */
export function requireNamespace(given: string, inUrl: string): void {
  if (given !== "" && given !== inUrl)
    throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
}
