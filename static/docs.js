// Starts the API reference. A key that is typed in stays in the memory of this page: it is gone with it.
"use strict";

// What the page opens on; the other groups are closed, and each operation unfolds by itself.
const OPEN = "AccessProfiles";

const reference = SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#reference",
  deepLinking: true,
  docExpansion: "none",
  filter: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  persistAuthorization: false,
  // Nothing is asked of anybody else.
  validatorUrl: null,
  queryConfigEnabled: false,
  onComplete: () => {
    // A link that leads to an operation opens that one.
    if (!location.hash) reference.layoutActions.show(["operations-tag", OPEN], true);
  },
});
