const [quote, backslash, colon] = [0x22, 0x5c, 0x3a];
const isBlank = (byte: number | undefined) => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

/** Names of fields in a JSON text, also those that a parser drops because they come again. @param bytes valid, in UTF-8 */
export function countNames(bytes: Uint8Array): number {
  let count = 0;
  for (let at = bytes.indexOf(quote); at >= 0; at = bytes.indexOf(quote, at)) {
    at = endOfString(bytes, at) + 1;
    while (isBlank(bytes[at])) at++;
    if (bytes[at] === colon) count++;
  }
  return count;
}

function endOfString(bytes: Uint8Array, start: number): number {
  for (let end = bytes.indexOf(quote, start + 1); end >= 0; end = bytes.indexOf(quote, end + 1)) {
    let slashes = 0;
    while (bytes[end - 1 - slashes] === backslash) slashes++;
    if (slashes % 2 === 0) return end;
  }
  return bytes.length;
}
