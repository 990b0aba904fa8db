/** Two columns of a ledger, as the page's icon. */
export const favicon = {
  filename: "favicon.svg",
  rel: "icon",
  sizes: "any",
  type: "image/svg+xml",
  content:
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="3" fill="#14532d"/>' +
    '<path d="M8 3v10M3 5h10M4 8h2M4 11h2M10 8h2M10 11h2" stroke="#fff" stroke-width="1.2"/></svg>',
};

export const stylesheet = {
  filename: "payledger.css",
  content: `
.swagger-ui .info { margin: 32px 0 16px; }
.swagger-ui .info .title { color: #14532d; }
.swagger-ui .info .renderedMarkdown { max-width: 90ch; }
.swagger-ui .info .main .link { display: none; }
.swagger-ui .response-col_links { display: none; }
.swagger-ui .scheme-container { padding: 12px 0; }
`,
};
