// Why a source of weights could not be used, in words: the codes beneath “fetch failed” are for programs.

const words: Readonly<Record<string, string>> = {
  ENOTFOUND: "name not found",
  EAI_AGAIN: "name not found",
  ECONNREFUSED: "connection refused",
  ECONNRESET: "the connection was cut",
  EPIPE: "the connection was cut",
  UND_ERR_SOCKET: "the connection was cut",
  ETIMEDOUT: "no answer in time",
  UND_ERR_CONNECT_TIMEOUT: "no answer in time",
  UND_ERR_HEADERS_TIMEOUT: "no answer in time",
  EHOSTUNREACH: "no way to that network",
  ENETUNREACH: "no way to that network",
  ENOENT: "there is no such file",
  EISDIR: "that is a folder",
};
const ofCertificates = /CERT|UNABLE_TO_|SELF_SIGNED|ERR_(?:TLS|SSL)_/;

/** English; `reasonText` knows these in other languages. */
export function sourceReason(error: unknown): string {
  let last = error;
  for (let each = error; each instanceof Error; each = each.cause) {
    last = each;
    const code = "code" in each ? String(each.code) : "";
    const known = words[code] ?? (ofCertificates.test(code) ? "its certificate is not trusted" : undefined);
    if (known) return known;
    if ((code === "EACCES" || code === "EPERM" || code === "EROFS") && "path" in each)
      return `no right to ${each.path}`;
  }
  return last instanceof Error ? last.message : String(last);
}

/** Of an answer that is not the file. */
export function statusReason(status: number): string {
  if (status === 404 || status === 410) return `there is no such file (HTTP ${status})`;
  return status === 401 || status === 403 ? `it refuses (HTTP ${status})` : `HTTP ${status}`;
}

/** Each reason once, with those it is said of. */
export function groupedReasons(failures: readonly { readonly source: string; readonly why: string }[]): string {
  return [...Map.groupBy(failures, ({ why }) => why)]
    .map(([why, all]) => `${why}: ${all.map(({ source }) => source).join(", ")}`)
    .join("; ");
}
