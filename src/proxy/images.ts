// Pictures in a request: base64 only, because nothing is fetched for a client.
import { ProxyError } from "./proxy-error.ts";

/** Base64 of a picture, without a `data:` prefix. @throws ProxyError 400 */
export function imageData(given: string): string {
  if (/^https?:/i.test(given)) {
    throw new ProxyError(400, "images: this service fetches nothing; send the picture itself, as base64");
  }
  const data = given.replace(/^data:[\w.+/-]*(?:;[\w=.-]+)*;base64,/i, "").replace(/\s/g, "");
  // The alphabet of base64, and some bytes of it; what they show is the model's business.
  if (data.length < 8 || !/^[A-Za-z0-9+/]+={0,2}$/.test(data)) {
    throw new ProxyError(400, "images: not base64; send the bytes of the picture as base64");
  }
  return data;
}

export function imagesOf(given: readonly string[] | null | undefined): { readonly images?: readonly string[] } {
  return given && given.length > 0 ? { images: given.map(imageData) } : {};
}
