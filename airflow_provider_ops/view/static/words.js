// What states are called, and which tone and order they have.

export const WORDS = {
  pending: "Queued", running: "Running", succeeded: "Succeeded", failed: "Failed", cancelled: "Cancelled",
  unknown: "Unknown state", unseen: "Not seen yet", timeout: "Deadline passed", gave_up: "Cannot be looked at",
  open: "Not waited for any more",
};
export const STEP_WORDS = {
  done: "done", running: "running", failed: "failed", skipped: "skipped", pending: "not begun", unknown: "unknown state",
};
// operation state -> the tone that a step of that kind has
export const TONE = {
  pending: "pending", running: "running", succeeded: "done", failed: "failed", cancelled: "skipped",
  unknown: "unknown", unseen: "pending", timeout: "failed", gave_up: "failed",
  open: "skipped",
};
export const ORDER = ["failed", "gave_up", "timeout", "cancelled", "unknown", "running", "pending", "unseen", "open", "succeeded"];
