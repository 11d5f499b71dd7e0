// A dictionary with only the words that most visits do not need (see vite.config.ts).
declare module '*.json?later' {
  const words: unknown;
  export default words;
}
