// What states are called, and which tone and order they have.

export const WORDS = {
  pending: "Queued", running: "Running", succeeded: "Succeeded", failed: "Failed", cancelled: "Cancelled",
  unknown: "Unknown state", unseen: "Not seen yet", timeout: "Deadline passed", gave_up: "Cannot be read",
  open: "No longer waited for",
};
export const STEP_WORDS = {
  done: "done", running: "running", failed: "failed", skipped: "skipped", pending: "not begun", unknown: "unknown state",
};
// operation state -> the tone that a step of that kind has
export const TONE = {
  pending: "pending", running: "running", succeeded: "done", failed: "failed", cancelled: "skipped",
  unknown: "unknown", unseen: "pending", timeout: "unknown", gave_up: "unknown",
  open: "unknown",
};
export const ORDER = ["failed", "gave_up", "timeout", "cancelled", "unknown", "open", "running", "pending", "unseen", "succeeded"];
export const STEP_ORDER = ["failed", "running", "unknown", "pending", "skipped", "done"];
