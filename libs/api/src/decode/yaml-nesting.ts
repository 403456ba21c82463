import { CST, Lexer } from 'yaml';
import { limits } from '../limits.js';

/**
 * Whether a YAML text nests deeper than its parser can bear. The parser recurses, and what exhausts its stack inside a regular
 * expression ends the process instead of throwing: so this looks at the tokens, without recursion, before the parser does.
 * Block collections nest by columns or by indicators (`- - -`), flow collections by brackets; runs of tags or anchors cost
 * the parser quadratic time.
 */
export const yamlNestsTooDeep = (text: string): boolean => {
  let brackets = 0;
  // Indicators and properties since the last separator: each may open a level.
  let indicators = 0;
  let atLineStart = true;
  for (const lexeme of new Lexer().lex(text)) {
    const type: string = CST.tokenType(lexeme) ?? '';
    switch (type) {
      case 'newline':
        if (brackets === 0) indicators = 0;
        atLineStart = true;
        continue;
      case 'space':
        if (atLineStart && lexeme.length > limits.yamlIndentMaxColumns) return true;
        break;
      case 'comma':
        indicators = 0;
        break;
      case 'flow-map-start':
      case 'flow-seq-start':
        brackets += 1;
        indicators = 0;
        break;
      case 'flow-map-end':
      case 'flow-seq-end':
        brackets = Math.max(0, brackets - 1);
        indicators = 0;
        break;
      case 'seq-item-ind':
      case 'explicit-key-ind':
      case 'map-value-ind':
      case 'anchor':
      case 'tag':
        indicators += 1;
        break;
      default:
        break;
    }
    if (brackets > limits.depthMax || indicators > limits.depthMax) return true;
    atLineStart = false;
  }
  return false;
};
