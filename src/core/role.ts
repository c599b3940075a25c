export const roles = ["code", "chinese", "general", "reasoning", "vision", "translation"] as const;
/** What a model is wanted for. Kind and language of a task choose the role; the catalogue lists the candidates. */
export type Role = (typeof roles)[number];
