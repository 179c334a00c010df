// What is shown, and what time it is; every part of the page reads it here.

export const shown = { data: null, text: "", selected: null, reached: null, filters: {}, failures: 0, ahead: 0, timer: 0,
  // set by view.js: draws the page anew after something was picked
  draw: () => {} };

export const now = () => Date.now() / 1000 + shown.ahead;
