/** Whether a model has the wanted name: `x` is `x:latest`. */
export const isNamed = (model: string, wanted: string): boolean => model === wanted || model === `${wanted}:latest`;
