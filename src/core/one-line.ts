/** So many letters of the editor's font stand in the one line of a message that is folded; a Chinese sign takes two. */
const lineWidth = 56;

/** Whether all of it is seen where the editor shows one line. */
export function fitsOneLine(text: string): boolean {
  const wide =
    text.match(/[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60]/g)?.length ?? 0;
  return text.length + wide <= lineWidth && !text.includes("\n");
}
