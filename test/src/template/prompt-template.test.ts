import { describe, expect, test } from 'vitest'
import { type Clock, systemClock } from '../../../operators/index.ts'
import { createTemplate, type TemplateInput } from '../../../src/template/prompt-template.ts'
import { TemplateError } from '../../../src/template/template-error.ts'

const input: TemplateInput = {
  system: 'S',
  passages: [
    { source: 'a.md', headings: ['A', 'B'], text: 'a-b', score: 1, index: 1 },
    { source: 'b.md', headings: [], text: 'c', score: 1, index: 2 },
  ],
  messages: [{ role: 'user', content: 'hi' }],
  fence: 'passage',
  mark: '',
}

// The steps have to end it, however slow the machine is.
const timeoutMs = 600_000

const render = (text: string): string => createTemplate({ text, timeoutMs }).current.render(input)

/** Doubles a text in `ns.s` so many times. */
const doubled = (times: number): string =>
  `{% set ns = namespace(s="a") %}{% for i in range(${times}) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}`

describe('what a template can do', () => {
  test.each([
    [
      '{% for p in passages %}{{ loop.index }}{{ p.source | tojson }}{{ p.headings | join(">") }};{% endfor %}',
      '1"a.md"A>B;2"b.md";',
    ],
    ['{{ passages | map(attribute="source") | join(", ") }}', 'a.md, b.md'],
    ['{{ messages | selectattr("role", "equalto", "user") | list | length }}', '1'],
    ['{{ {"b": 1, "a": 2} | dictsort | string }}', '[["a", 2], ["b", 1]]'],
    ['{{ [3, 1, 2] | sort(reverse=true) | string }}', '[3, 2, 1]'],
    ['{{ [3, 1, 2] | sort | first }}{{ "x" | upper }}{{ " y " | trim }}', '1Xy'],
    ['{{ passages[0].text.split("-") | tojson(indent=1) }}', '[\n "a",\n "b"\n]'],
    ['{{ passages[0].text.replace("-", "+") }}{{ passages[0]["text"]["replace"]("-", "*") }}', 'a+ba*b'],
    ['{{ "a-b" | replace("-", "+", count=0) }}{{ "a\nb" | indent(2, first=true) }}', 'a-b  a\n  b'],
    ['{% filter upper %}abc{% endfilter %}{% filter replace("a", "b") %}aa{% endfilter %}', 'ABCbb'],
    ['{{ "x" in "xyz" }}{{ 1 not in [1] }}{{ "source" in passages[0] }}', 'truefalsetrue'],
    [
      '{% macro m(x, y=2) %}[{{ x }}{{ y }}{{ caller() if caller }}]{% endmacro %}{{ m(1) }}{% call m(1, y=3) %}c{% endcall %}',
      '[12][13c]',
    ],
    ['{% macro m() %}{{ varargs | join(",") }}{% endmacro %}{{ m(*range(3)) }}', '0,1,2'],
    ['{{ range(5, 1, -2) | join(" ") }}|{{ range(0) | length }}', '5 3|0'],
    ['{% for i in range(9) if i is odd %}{% if i > 6 %}{% break %}{% endif %}{{ i }}{% endfor %}', '135'],
    ['{{ [] | first }}|{{ none }}|{{ missing }}|{{ missing | default("d") }}|{{ range is callable }}', '|||d|true'],
    ['{{ messages[-1:] | length }}{{ system[::-1] }}{{ passages[0].get("text") }}', '1Sa-b'],
  ])('%s', (text, expected) => {
    expect(render(text)).toBe(expected)
  })
})

describe('a template has no access to anything else', () => {
  test.each([
    '{{ messages.constructor }}',
    '{{ passages.map }}',
    '{{ passages[0].__proto__ }}{{ passages[0]["constructor"] }}',
    '{{ system.constructor }}{{ system["__proto__"] }}',
    '{{ __proto__ }}{{ constructor }}{{ process }}{{ globalThis }}{{ require }}{{ self }}',
    '{{ loop }}{{ messages[0].toString }}',
  ])('%s gives nothing', (text) => {
    expect(render(text)).toBe('')
  })

  test.each([
    ['{{ range }}', 'prints a function'],
    ['{{ range ~ "" }}', 'prints a function'],
    ['{{ [range] | join }}', 'prints a function'],
    ['{{ {"a": range} }}', 'prints a function'],
    ['{{ passages[0].title() }}{{ system.title }}', 'not a function'],
    ['{{ system.title }}', 'uses a method as a value'],
    ['{% set f = system.replace %}{{ f("S", "T") }}', 'uses a method as a value'],
    ['{{ (system.upper if true else 1)() }}', 'uses a method as a value'],
    ['{{ strftime_now("%Y") }}', 'not a function'],
    ['{{ passages.map() }}', 'not a function'],
    ['{{ system | constructor }}', 'Unknown StringValue filter: constructor'],
  ])('%s is refused', (text, problem) => {
    expect(() => render(text)).toThrow(problem)
  })
})

const steps = 'the template took more than its maxSteps of 100000 steps'
const nested = 'the template nests deeper than 256 levels'

describe('what never ends, or grows without end, is refused with the limit', () => {
  test.each([
    ['a billion items', '{% for i in range(1000000000) %}{% endfor %}', steps],
    ['a loop that counts to 100,000', '{% for i in range(100000) %}x{% endfor %}', steps],
    [
      'loops in loops',
      '{% for i in range(1000) %}{% for j in range(1000) %}{% for k in range(1000) %}{% endfor %}{% endfor %}{% endfor %}',
      steps,
    ],
    ['a text that is doubled 60 times', `${doubled(60)}{{ ns.s }}`, steps],
    [
      'a list that is doubled',
      '{% set ns = namespace(s=[1]) %}{% for i in range(60) %}{% set ns.s = ns.s + ns.s %}{% endfor %}',
      steps,
    ],
    [
      'a list that holds itself twice',
      '{% set ns = namespace(s=[1]) %}{% for i in range(60) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s }}',
      steps,
    ],
    [
      'the same, as JSON',
      '{% set ns = namespace(s=[1]) %}{% for i in range(60) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s | tojson }}',
      steps,
    ],
    [
      'the same, compared',
      '{% set ns = namespace(s=[1]) %}{% for i in range(60) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s == "" }}',
      steps,
    ],
    ['a circle', '{% set ns = namespace() %}{% set ns.s = ns %}{{ ns }}', 'nests lists deeper than 256 levels'],
    ['a macro that calls itself', '{% macro m(x) %}{{ m(x) }}{% endmacro %}{{ m(1) }}', nested],
    [
      'a macro that calls itself twice',
      '{% macro m(n) %}{% if n > 0 %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(40) }}',
      steps,
    ],
    [
      'a call block that calls itself',
      '{% macro m() %}{% call m() %}{{ caller() }}{% endcall %}{% endmacro %}{{ m() }}',
      nested,
    ],
    ['indentation', '{{ "a\nb" | indent(1000000000) }}', steps],
    ['indented JSON', '{{ passages | tojson(indent=1000000000) }}', steps],
    ['separators of JSON', `${doubled(18)}{{ range(1000) | tojson(separators=(ns.s, ns.s)) }}`, steps],
    ['a long separator', `${doubled(16)}{{ ns.s | join(ns.s) }}`, steps],
    ['a long replacement', `${doubled(16)}{{ ns.s | replace("a", ns.s) }}`, steps],
    ['the same as a method', `${doubled(16)}{{ ns.s.replace("a", ns.s) }}`, steps],
    ['the same as a block', `${doubled(16)}{% filter replace("a", ns.s) %}{{ ns.s }}{% endfilter %}`, steps],
    ['a search that is quadratic', `${doubled(18)}{{ (ns.s[:9999] ~ "b" ~ ns.s[:9999]) in ns.s }}`, steps],
    ['many pieces', `${doubled(18)}{{ ns.s.split("a") | length }}`, steps],
    ['a long path', `${doubled(16)}{{ range(1000) | map(attribute=ns.s) | length }}`, steps],
    [
      'text of passages without end',
      `${doubled(18)}{% for i in range(99) %}{{ ns.s }}{% endfor %}`,
      'maxOutputChars of 1000000 characters',
    ],
    [
      'the same, caught by a filter',
      `${doubled(18)}{% filter length %}{% for i in range(99) %}{{ ns.s }}{% endfor %}{% endfilter %}`,
      'maxOutputChars',
    ],
    [
      'the same, caught by a variable',
      `${doubled(18)}{% set x %}{{ ns.s }}{{ ns.s }}{{ ns.s }}{{ ns.s }}{% endset %}`,
      'maxOutputChars',
    ],
    [
      'definitions in a loop',
      `{% for i in range(9000) %}{% macro m() %}${'{{ 1 }}'.repeat(200)}{% endmacro %}{% endfor %}`,
      steps,
    ],
  ])('%s', (_, text, problem) => {
    expect(() => render(text)).toThrow(problem)
    expect(render('{{ system }}')).toBe('S')
  })

  test.each([
    ['10 MB', 'a'.repeat(10_000_000), 'at most 200000 characters, got 10000000'],
    ['blanks, which the parser is slow at', ' '.repeat(100_000), 'at most 1000 blank characters in a row, got 100000'],
    ['brackets in brackets', `{{ ${'('.repeat(50_000)}1${')'.repeat(50_000)} }}`, 'nests'],
    ['lists in lists', `{{ ${'['.repeat(50_000)}1${']'.repeat(50_000)} }}`, 'nests'],
    ['a long sum', `{{ ${'1+'.repeat(1_000)}1 }}`, 'nests deeper than 256 levels'],
    ['blocks in blocks', `${'{% if 1 %}'.repeat(1_000)}${'{% endif %}'.repeat(1_000)}`, 'nests'],
    ['not not not', `{{ ${'not '.repeat(40_000)}1 }}`, 'nests'],
  ])('a text that is too large or nests too deeply: %s', (_, text, problem) => {
    expect(() => createTemplate({ text })).toThrow(TemplateError)
    expect(() => createTemplate({ text })).toThrow(problem)
  })

  test('as deep as the text may nest, it can be rendered', () => {
    expect(render(`{{ ${'1+'.repeat(250)}1 }}`)).toBe('251')
  })

  test('the limits can be set, and are named when they are wrong', () => {
    const text = '{% for i in range(100000) %}x{% endfor %}'
    expect(createTemplate({ text, timeoutMs, maxSteps: 10_000_000 }).current.render(input)).toHaveLength(100_000)
    expect(() => createTemplate({ text, timeoutMs, maxSteps: 10_000_000, maxOutputChars: 99_999 })).toThrow(
      '99999 characters',
    )
    expect(() => createTemplate({ text, maxSteps: 0 })).toThrow(
      'maxSteps must be a whole number from 1 to 1000000000, got 0',
    )
    expect(() => createTemplate({ text, maxOutputChars: -1 })).toThrow('maxOutputChars')
    expect(() => createTemplate({ text, timeoutMs: 0.5 })).toThrow('timeoutMs')
  })

  test('a machine that is slow is stopped by the clock', () => {
    const template = createTemplate({
      text: '{% for m in messages %}{% for i in range(20000) %}{% endfor %}{% endfor %}',
    })
    let now = 0
    const slow: Clock = { ...systemClock, now: () => (now += 600) }
    expect(() => template.current.render(input, slow)).toThrow(
      'the template took 1200 ms, more than its timeoutMs of 1000 ms',
    )
  })
})

describe('replacing', () => {
  test('a version that has been taken does not change', () => {
    const template = createTemplate({ text: 'one' })
    const { current } = template
    template.replace('two')
    expect([current.render(input), template.current.render(input), template.current.text]).toEqual([
      'one',
      'two',
      'two',
    ])
  })

  test('a bad text is refused, and the one before stays', () => {
    const template = createTemplate({ text: 'one' })
    expect(() => {
      template.replace('{{ a')
    }).toThrow(/^template must be a valid Jinja template, got "{{ a": /)
    expect(template.current.render(input)).toBe('one')
  })

  test('what fails only for some input fails then', () => {
    const template = createTemplate({ text: '{% if passages | length > 1 %}{{ raise_exception("two") }}{% endif %}' })
    expect(() => template.current.render(input)).toThrow(new TemplateError('the template raised: two'))
  })
})
