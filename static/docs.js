// Starts the API reference. A key that is typed in stays in the memory of this page: it is gone with it.
"use strict";

SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#reference",
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  persistAuthorization: false,
  // Nothing is asked of anybody else.
  validatorUrl: null,
  queryConfigEnabled: false,
});
