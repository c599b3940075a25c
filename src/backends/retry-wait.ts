/** How long the server asks to wait, ms; undefined where it does not say. */
export function retryWaitMs(headers: Pick<Headers, "get">): number | undefined {
  const precise = Number.parseFloat(headers.get("retry-after-ms") ?? "");
  if (precise > 0) return precise;
  const told = headers.get("retry-after") ?? "";
  const seconds = Number.parseFloat(told);
  const ms = Number.isNaN(seconds) ? Date.parse(told) - Date.now() : seconds * 1000;
  return ms > 0 ? ms : undefined;
}
