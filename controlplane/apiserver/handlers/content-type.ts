/** The media type in a Content-Type, in lower case; "" where none is said, undefined for what is no media type and its
 *  parameters, as Go's mime package has it. Pure. */
export function mediaTypeOf(contentType: string): string | undefined {
  if (contentType === "") return "";
  const [type = "", ...parameters] = contentType.split(";");
  const mediaType = type.trim().toLowerCase();
  if (!/^[^\s/,]+(\/[^\s/,]+)?$/.test(mediaType)) return undefined;
  const last = parameters.length - 1;
  const isSound = parameters.every(
    (one, at) => isParameter(one.trim()) || (at === last && one.trim() === ""),
  );
  return isSound ? mediaType : undefined;
}

function isParameter(text: string): boolean {
  return /^[^\s=;,"]+=("([^"\\]|\\.)*"|[^\s=;,"]+)$/.test(text);
}
