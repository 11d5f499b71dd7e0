// The sections of a dictionary that most visits do not need (see vite.config.ts).
declare module 'later-words:ja' {
  const words: unknown;
  export default words;
}
declare module 'later-words:en' {
  const words: unknown;
  export default words;
}
