import fc from 'fast-check'

/** Entities of every kind, one or more forms of each. */
const entities = [
  'ann.lee+news@mail.example.co.uk',
  '"j..d"@example.org',
  'jörg@müller.example',
  '+49 (0)30 1234567',
  '(555) 234-5678',
  '03-1234-5678',
  'tel 12345678',
  '4111 1111 1111 1111',
  '4111-1111-1111-1111',
  '378282246310005',
  'DE89 3704 0044 0532 0130 00',
  'GB29NWBK60161331926819',
  '219-09-9998',
  'SSN 219 09 9998',
  '192.168.17.4',
  '2001:db8::8a2e:370:7334',
  '::ffff:192.0.2.128',
  'fe80::1',
  'EMP-123456',
] as const

/** What reads like one for a while, or stands beside one. */
const lookAlikes = [
  ...['version 1.2.3.4', 'std::vector', 'a::b', '@user', 'foo@bar', 'x@2x.png', '2024-01-15T10:30:00Z', '::'],
  ...['000-12-3456', '1 1 1 1', '4111 1111 1111 1112', 'DE00 3704', 'EMP-12', 'order 030 1234567', '1.2.3.4.5'],
  ...['a'.repeat(70), '1'.repeat(40), 'a.'.repeat(40), ':'.repeat(50), '0 '.repeat(30), 'a@' + 'b.co.'.repeat(60)],
  ...['电话', 'ünï', '用户', '\ud83d\ude00', '\ud83d', '\ude00', '“', '—', '\u00a0', '\u202f', '\u2011', '\0'],
] as const

const signs = Array.from(' \n\t.,;:-_/()[]{}<>"\'`@+#$%&*=|~x0129aAfFzZ')

/** Texts of entities, their beginnings and ends, look-alikes and signs, with nothing between them. */
export const trickyText: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom<string>(...entities) },
      {
        weight: 3,
        arbitrary: fc
          .tuple(fc.constantFrom<string>(...entities), fc.nat(40), fc.nat(6))
          .map(([entity, length, from]) => entity.slice(from, from + length)),
      },
      { weight: 3, arbitrary: fc.constantFrom<string>(...lookAlikes) },
      { weight: 6, arbitrary: fc.constantFrom(...signs) },
      { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 6 }) },
    ),
    { maxLength: 14 },
  )
  .map((parts) => parts.join(''))
