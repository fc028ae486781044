// The icons that the console uses, by their names in @tabler/icons.
export const icons = [
  "adjustments-horizontal", "alert-triangle", "arrow-back-up", "arrow-bar-to-up", "arrow-left", "arrow-right",
  "arrows-diff", "arrows-left-right", "ban", "braces", "building", "check", "chevron-down", "chevron-left", "chevron-right",
  "circle", "circle-check", "circle-dashed", "circle-dot", "circle-x", "clock", "copy", "device-laptop", "dots",
  "edit", "equal-not", "eye", "eye-off", "file-diff", "filter", "git-compare", "git-merge", "git-pull-request", "hash",
  "help", "history", "home", "info-circle", "key", "layers-intersect", "list-check", "list-search", "lock", "lock-open", "logout",
  "moon", "pencil", "plus", "refresh", "rocket", "search", "server", "shield-check", "stack-2", "sun", "trash",
  "user", "users", "world", "x",
];
