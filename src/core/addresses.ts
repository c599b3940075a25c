// Addresses as they may be shown: a name and a password in them are for their server alone.

/** Also where a password is written with signs that no address may have. */
const credentials =
  /\b([a-z][a-z0-9+.-]{0,20}:\/\/)(?:[^\s/?#"<>]{1,500}@|[^\s/?#:"<>]{1,200}:(?!\d{1,5}[/?#])[^\s"<>]{0,300}@)/gi;

/** A text of any kind, without the names and passwords in the addresses in it. */
export function withoutCredentials(text: string): string {
  return text.replace(credentials, "$1");
}

/** What a foreign error says, for a log. */
export function errorText(error: unknown): string {
  return withoutCredentials(error instanceof Error ? (error.stack ?? error.message) : String(error));
}
