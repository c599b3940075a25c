// Whether a text has to be translated at all.
import type { AnswerLanguage, Source } from "./task.ts";
import { isProse } from "./translation-target.ts";

const leastWords = 20;
/** A paragraph that says enough to be judged by itself, words and characters. */
const telling = { words: 15, latin: 40 };
/** Words that hold English together and that its neighbours do not have: some twenty of a hundred, in those none. */
const glue = new Set(
  "and are be but by can for from has have how if it its not or than that the their there these they this to when where which while who will with you your".split(
    " ",
  ),
);
const glueShare = { text: 0.12, paragraph: 0.04 };
const leastHan = 40;
/** Common characters that are written in one of the two ways alone. */
const simplified = /[这们个来时国会为对说学发动过还没样开问题关见经头长现间应该实体务让给进运远边认识语译设计软]/gu;
const traditional = /[這們個來時國會為對說學發動過還沒樣開問題關見經頭長現間應該實體務讓給進運遠邊認識語譯設計軟]/u;

/**
 * Only where it is clear: short texts, source code, and what has a paragraph in another language, are not. Traditional
 * Chinese is another language than `zh-CN`.
 */
export function isAlreadyIn(
  { text, languageId }: Pick<Source, "text" | "languageId">,
  target: AnswerLanguage,
): boolean {
  if (!isProse(languageId)) return false;
  const prose = withoutCode(text);
  return target === "en" ? isEnglish(prose) : isSimplifiedChinese(prose);
}

/** Blocks of code, code in a line, markup and addresses are in no language. */
const withoutCode = (text: string) =>
  text.replace(/^(```|~~~)[\s\S]*?(?:^\1.*$|$(?![\s\S]))|`[^`\n]*`|<[^>\n]*>|\]\([^)\n]*\)|https?:\/\/\S+/gm, " ");

function isEnglish(prose: string): boolean {
  const letters = prose.match(/\p{L}/gu)?.length ?? 0;
  const others = letters - (prose.match(/[A-Za-z]/g)?.length ?? 0);
  // A name or two may have other letters.
  if (others > letters / 100) return false;
  return shareOf(prose, leastWords, glueShare.text, false) && paragraphsOf(prose).every(isEnglishParagraph);
}

const isEnglishParagraph = (text: string) => shareOf(text, telling.words, glueShare.paragraph, true);

/** @param ifShort what is said of a text of fewer words */
function shareOf(text: string, least: number, share: number, ifShort: boolean): boolean {
  const words = text.toLowerCase().match(/[a-z]+(?:['’][a-z]+)?/g) ?? [];
  return words.length < least ? ifShort : words.filter((word) => glue.has(word)).length >= words.length * share;
}

function isSimplifiedChinese(prose: string): boolean {
  const all = hanIn(prose);
  if (all < leastHan || traditional.test(prose) || /[\p{Script=Hiragana}\p{Script=Katakana}]/u.test(prose))
    return false;
  if ((prose.match(simplified)?.length ?? 0) < all / 50) return false;
  return latinIn(prose) <= all && paragraphsOf(prose).every((each) => latinIn(each) < telling.latin || hanIn(each) > 0);
}

const paragraphsOf = (text: string) => text.split(/\n[ \t]*(?:\r?\n|[-*+>#|\d])/);
const hanIn = (text: string) => text.match(/\p{Script=Han}/gu)?.length ?? 0;
const latinIn = (text: string) => text.match(/[A-Za-z]/g)?.length ?? 0;
