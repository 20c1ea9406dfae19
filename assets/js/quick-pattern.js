// Can a pattern keep a matcher busy that tries one way after the other, as browsers do? Counted before it is tried.

/** A text that is matched has at most so many characters. */
export const LONGEST = 100;
const MOST_WAYS = 50_000; // of some hundred steps each

const TOKEN = /\\(?:[pPu]\{[^}]*\}|.)|\[(?:\\.|[^\]\\])*\]|\((?:\?(?:[a-z-]*:|<\w+>))?|(?:[*+?]|\{\d+(?:,\d*)?\})\??|./gsu;
const REPEAT = /^(?:([*+?])|\{(\d+)(,?)(\d*)\})\??$/;
const USUAL = { "*": [0, Infinity], "+": [1, Infinity], "?": [0, 1] };

function bounds(token) {
  const [, sign, least, comma, most] = REPEAT.exec(token) ?? [];
  if (sign) return USUAL[sign];
  return least && [Number(least), most ? Number(most) : comma ? Infinity : Number(least)];
}

// What may be left out and consumes nothing is not tried again: no more of these than the text has characters.
function repeated(ways, [least, most]) {
  let all = 0;
  for (let times = least; times <= Math.min(most, least + LONGEST) && all <= MOST_WAYS; times += 1) all += ways ** times;
  return all;
}

// At most so many ways to go through the pattern: choices one after the other multiply, those inside what is repeated do so each time.
function ways(pattern) {
  const tokens = pattern.match(TOKEN) ?? [];
  let at = 0;
  const either = () => {
    let all = oneAfterTheOther();
    while (tokens[at] === "|") {
      at += 1;
      all += oneAfterTheOther();
    }
    return all;
  };
  const oneAfterTheOther = () => {
    let all = 1;
    while (at < tokens.length && tokens[at] !== "|" && tokens[at] !== ")") {
      const one = part();
      const times = at < tokens.length && bounds(tokens[at]);
      if (times) at += 1;
      all *= times ? repeated(one, times) : one;
    }
    return all;
  };
  const part = () => {
    const token = tokens[at];
    at += 1;
    if (!token.startsWith("(")) return bounds(token) ? Infinity : 1; // nothing stands before it: words that only RE2 knows
    const inside = either();
    at += 1;
    return inside;
  };
  const all = either();
  return at < tokens.length ? Infinity : all;
}

export const isQuick = (pattern) => ways(pattern) <= MOST_WAYS;
