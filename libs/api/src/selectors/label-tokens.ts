/** The tokens of a label selector; a word is a key, a value, or the operators `in` and `notin` where one is due. */
export interface Token {
  readonly type: 'word' | 'operator' | 'end';
  readonly text: string;
}

const operators = ['==', '!=', '=', '!', '(', ')', ',', '>', '<'];
const word = /[^\s=!(),<>]+/y;
const space = /\s+/y;

export const tokensOf = (text: string): readonly Token[] => {
  const tokens: Token[] = [];
  for (let at = 0; at < text.length;) {
    const skip = matchAt(space, text, at) ?? '';
    at += skip.length;
    if (at >= text.length) break;
    const token: Token = {
      type: 'operator',
      text: operators.find((each) => text.startsWith(each, at)) ?? '',
    };
    const found = token.text === '' ? { type: 'word' as const, text: matchAt(word, text, at) ?? '' } : token;
    tokens.push(found);
    at += found.text.length;
  }
  return [...tokens, { type: 'end', text: '' }];
};

const matchAt = (pattern: RegExp, text: string, at: number): string | undefined => {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
};
