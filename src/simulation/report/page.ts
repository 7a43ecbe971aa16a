import { Markup, markup } from './markup.ts'

const style = new Markup(`
:root { color-scheme: light dark }
body { margin: 2rem auto; padding: 0 1rem; max-width: 72rem; font: 15px/1.5 system-ui, sans-serif; color: #1b1b1b; background: #fff }
h1 { overflow-wrap: anywhere }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.25rem 1.5rem; margin: 0 }
dt { font-weight: 600 }
dd { margin: 0; overflow-wrap: anywhere }
.scroll { overflow-x: auto }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { padding: 0.35rem 0.5rem; border-bottom: 1px solid #8886; text-align: right; vertical-align: top; white-space: nowrap }
thead th { vertical-align: bottom; white-space: normal }
th:first-child { min-width: 6rem; text-align: left; white-space: normal; overflow-wrap: anywhere }
th:last-child, td:last-child { min-width: 9rem; text-align: left; white-space: normal }
figure { margin: 1.5rem 0 }
figure svg { max-width: 100%; height: auto }
@media (prefers-color-scheme: dark) { body { color: #e6e6e6; background: #16181c } }
`)

/**
 * A page of HTML that stands alone: it has no script and loads nothing, so it can be read from a file.
 *
 * @param content What stands below the title.
 */
export function page(title: string, content: readonly Markup[]): string {
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${title}</title>
<style>${style}</style>
</head>
<body>
<h1>${title}</h1>
${content}</body>
</html>
`.text
}
