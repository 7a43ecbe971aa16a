import { readFileSync } from 'node:fs'
import ts from 'typescript'
import { expect, test } from 'vitest'

interface Manifest {
  readonly exports: Readonly<Record<string, string | { readonly source: string }>>
}

interface Names {
  readonly values: readonly string[]
  readonly types: readonly string[]
}

/** Every name that a user can import. A name that goes breaks somebody's code; one that comes is a promise. */
const promised = JSON.parse(readFileSync(new URL('public-names.json', import.meta.url), 'utf8')) as Readonly<
  Record<string, Names>
>

const root = new URL('../../', import.meta.url)
const manifest = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as Manifest

/** What a file that holds nothing but `export { … } from '…'` exports, sorted. */
function namesOf(path: string): Names {
  const values: string[] = []
  const types: string[] = []
  for (const statement of ts.createSourceFile(path, readFileSync(new URL(path, root), 'utf8'), ts.ScriptTarget.Latest)
    .statements) {
    const clause = ts.isExportDeclaration(statement) ? statement.exportClause : undefined
    if (!ts.isExportDeclaration(statement) || clause === undefined || !ts.isNamedExports(clause))
      throw new Error(`${path}: expected only \`export { … } from '…'\`, found ${statement.getText()}`)
    for (const { name, isTypeOnly } of clause.elements)
      (statement.isTypeOnly || isTypeOnly ? types : values).push(name.text)
  }
  return { values: values.sort(), types: types.sort() }
}

test('each subpath exports what is promised, and nothing else', () => {
  const exported = Object.entries(manifest.exports).flatMap(([subpath, target]) =>
    typeof target === 'string' ? [] : [[subpath, namesOf(target.source)] as const],
  )
  expect(Object.fromEntries(exported)).toEqual(promised)
})
