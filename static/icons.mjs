// The icons that the console uses, by their names in @tabler/icons.
export const icons = [
  "adjustments-horizontal", "alert-triangle", "arrow-back-up", "arrow-bar-to-up", "arrow-left", "arrow-right",
  "arrows-diff", "ban", "building", "check", "chevron-down", "chevron-left", "chevron-right", "circle", "circle-check",
  "circle-x", "clock", "copy", "device-laptop", "dots", "edit", "eye-off", "file-diff", "filter", "git-compare",
  "git-merge", "git-pull-request", "hash", "help", "history", "home", "info-circle", "key", "layers-intersect",
  "list-check", "list-search", "lock", "logout", "moon", "plus", "rocket", "search", "server", "shield-check",
  "stack-2", "sun", "trash", "user", "users", "world", "x",
];
