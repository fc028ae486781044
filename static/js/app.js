// The console works without any of this; it makes it quicker.
import "htmx.org";
import "./times.js";
import "./shortcuts.js";
import "./forms.js";
import "./editor.js";
import "./reveal.js";
