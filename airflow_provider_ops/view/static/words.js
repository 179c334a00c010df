// What the states of steps are called, and the order of states; those of operations come with their words.

export const STEP_WORDS = {
  done: "done", running: "running", failed: "failed", skipped: "skipped", pending: "not begun", unknown: "unknown state",
};
export const ORDER = ["failed", "gave_up", "timeout", "cancelled", "unknown", "open", "running", "pending", "unseen", "succeeded"];
export const STEP_ORDER = ["failed", "running", "unknown", "pending", "skipped", "done"];
