export { commandAnswers, positionsPattern, problemAnswers } from "./documented-answers.ts";
export * from "./field-schemas.ts";
export * from "./object-schemas.ts";
