import { gzipSync } from 'node:zlib'
import { chunked, hello, json, post, type Row, start } from './bad-input-row.ts'

/** A request whose question is this JSON string. */
function asking(question: string | Uint8Array): Uint8Array {
  const [before, after] = ['{"messages":[{"role":"user","content":"', '"}]}']
  return post(Buffer.concat([Buffer.from(before), Buffer.from(question as string, 'utf8'), Buffer.from(after)]))
}

/** What is sent as a body. */
export const bodies: readonly Row[] = [
  ['an empty body', post(''), 400, 'invalid_json', 'the body is empty'],
  ['no body at all', `${start}${json}\r\n`, 400, 'invalid_json', 'the body is empty'],
  ['half an object', post('{"messages":'), 400, 'invalid_json', 'not valid JSON'],
  ['two values', post(`${hello} ${hello}`), 400, 'invalid_json', 'not valid JSON'],
  ['an array', post('[]'), 400, 'invalid_type', 'must be a JSON object'],
  ['null', post('null'), 400, 'invalid_type', 'must be a JSON object'],
  [
    'NaN',
    post('{"messages":[{"role":"user","content":"x"}],"temperature":NaN}'),
    400,
    'invalid_json',
    'not valid JSON',
  ],
  ['a number beyond all', post(`{"temperature":1e999,${hello.slice(1)}`), 400, 'invalid_type', 'temperature'],
  ['JSON nested 100,000 deep', post('['.repeat(100_000)), 400, 'json_too_deep', 'limit jsonDepth of 32'],
  [
    'JSON nested 100,000 deep, and closed again',
    post(`{"messages":${'['.repeat(100_000)}${']'.repeat(100_000)}}`),
    400,
    'json_too_deep',
    'limit jsonDepth of 32',
  ],
  [
    'a key twice',
    post(`{"model":"echo","model":"echo",${hello.slice(1)}`),
    400,
    'duplicate_key',
    'a key twice: "model"',
  ],
  [
    'a key twice, written in two ways',
    post('{"messages":[{"role":"system","r\\u006fle":"user","content":"x"}]}'),
    400,
    'duplicate_key',
    'a key twice: "messages[0].role"',
  ],
  [
    'a key __proto__',
    post(`{"__proto__":{"model":"other"},"constructor":{"prototype":{"a":1}},${hello.slice(1)}`),
    200,
  ],
  ['metadata with a key __proto__', post(`{"metadata":{"__proto__":{"polluted":true}},${hello.slice(1)}`), 200],
  [
    'a message with a key __proto__',
    post('{"messages":[{"role":"user","__proto__":{"content":"x"}}]}'),
    400,
    'missing_required_parameter',
    'messages[0].content is required',
  ],
  ['lone surrogates, escaped', asking('half \\ud83d and \\ude00 half'), 200],
  ['lone surrogates, as bytes', asking(Buffer.from([0xed, 0xa0, 0xbd])), 400, 'invalid_json', 'not valid UTF-8'],
  ['invalid UTF-8', asking(Buffer.from([0x61, 0xff, 0xc0, 0x80])), 400, 'invalid_json', 'not valid UTF-8'],
  ['UTF-8 that ends in mid-character', asking(Buffer.from([0xf0, 0x9f, 0x98])), 400, 'invalid_json', 'not valid UTF-8'],
  ['NUL, escaped', asking('How deep\\u0000 is the reservoir?'), 200],
  ['NUL, as a byte', asking('How deep\0'), 400, 'invalid_json', 'not valid JSON'],
  ['a byte order mark', post(`\ufeff${hello}`), 200],
  ['UTF-16', post(Buffer.from(`\ufeff${hello}`, 'utf16le')), 400, 'invalid_json', 'not valid UTF-8'],
  ['a string of 10 MB', asking('x'.repeat(10_000_000)), 413, 'body_too_large', 'limit bodyBytes of 1048576 bytes'],
  [
    'a string of 10 MB, chunked',
    chunked(`989680\r\n`, `"${'x'.repeat(9_999_999)}`, '\r\n0\r\n\r\n'),
    413,
    'body_too_large',
    'limit bodyBytes',
  ],
  ['a string of 300,000 characters', asking('x'.repeat(300_000)), 400, 'context_length_exceeded', '300000'],
]

/** What is said of a body. */
export const contentTypes: readonly Row[] = [
  ['no content type', post(hello, ''), 415, 'unsupported_media_type', 'must be application/json'],
  ['another content type', post(hello, 'content-type: text/plain\r\n'), 415, 'unsupported_media_type'],
  ['a form', post('a=b', 'content-type: application/x-www-form-urlencoded\r\n'), 415, 'unsupported_media_type'],
  ['a content type that is none', post(hello, 'content-type: ;;;\r\n'), 415, 'unsupported_media_type'],
  [
    'a content type that only begins alike',
    post(hello, 'content-type: application/jsonp\r\n'),
    415,
    'unsupported_media_type',
  ],
  ['a charset that is true', post(hello, 'content-type: Application/JSON; charset=utf-8\r\n'), 200],
  [
    'a charset that is not',
    post(hello, 'content-type: application/json; charset=latin1\r\n'),
    415,
    'unsupported_media_type',
    'charset',
  ],
  ['two content types', post(hello, `${json}content-type: text/plain\r\n`), 400, 'duplicate_header', 'content-type'],
  ['two content types that are alike', post(hello, json + json), 400, 'duplicate_header', 'content-type'],
  [
    'a gzip bomb',
    post(gzipSync(Buffer.alloc(50_000_000)), `${json}content-encoding: gzip\r\n`),
    415,
    'unsupported_content_encoding',
    'must be identity or absent, got "gzip"',
  ],
  ['gzip without saying so', post(gzipSync(hello)), 400, 'invalid_json', 'not valid UTF-8'],
]

/** How a body is framed. */
export const framing: readonly Row[] = [
  [
    'Content-Length and Transfer-Encoding',
    `${start}${json}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
    400,
    'malformed_request',
    "Transfer-Encoding can't be present with Content-Length",
    'unmatched',
  ],
  [
    'two Content-Lengths',
    `${start}${json}content-length: 2\r\ncontent-length: 2\r\n\r\n{}`,
    400,
    'malformed_request',
    'Duplicate Content-Length',
    'unmatched',
  ],
  [
    'a list as Content-Length',
    `${start}${json}content-length: 2, 2\r\n\r\n{}`,
    400,
    'malformed_request',
    'Content-Length',
    'unmatched',
  ],
  [
    'a negative Content-Length',
    `${start}${json}content-length: -1\r\n\r\n`,
    400,
    'malformed_request',
    'Content-Length',
    'unmatched',
  ],
  [
    'a signed Content-Length',
    `${start}${json}content-length: +2\r\n\r\n{}`,
    400,
    'malformed_request',
    'Content-Length',
    'unmatched',
  ],
  [
    'a Content-Length that overflows',
    `${start}${json}content-length: 18446744073709551617\r\n\r\n`,
    400,
    'malformed_request',
    'Content-Length overflow',
    'unmatched',
  ],
  [
    'a Content-Length of exabytes',
    `${start}${json}content-length: 9007199254740993\r\n\r\n`,
    413,
    'body_too_large',
    'limit bodyBytes',
  ],
  [
    'a chunk size that is none',
    chunked('zz\r\n{}\r\n0\r\n\r\n'),
    400,
    'malformed_request',
    'Invalid character in chunk size',
  ],
  [
    'a negative chunk size',
    chunked('-1\r\n{}\r\n0\r\n\r\n'),
    400,
    'malformed_request',
    'Invalid character in chunk size',
  ],
  ['a chunk size that overflows', chunked('fffffffffffffffff\r\n{}'), 400, 'malformed_request', 'Chunk size overflow'],
  ['a chunk longer than its size', chunked('2\r\n{}{}\r\n0\r\n\r\n'), 400, 'malformed_request', 'not valid HTTP'],
  ['chunk extensions', chunked(`${hello.length.toString(16)};a=b\r\n${hello}\r\n0\r\n\r\n`), 200],
  [
    'huge chunk extensions',
    chunked(`2;${'a'.repeat(20_000)}\r\n{}\r\n0\r\n\r\n`),
    413,
    'body_too_large',
    'chunk extensions',
  ],
  ['trailers', chunked(`${hello.length.toString(16)}\r\n${hello}\r\n0\r\nx-request-id: trailer\r\n\r\n`), 200],
  [
    'gzip as Transfer-Encoding',
    `${start}${json}transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
    501,
    'unsupported_transfer_encoding',
    'must be chunked or absent',
  ],
  [
    'Transfer-Encoding: identity',
    `${start}${json}transfer-encoding: identity\r\n\r\n`,
    501,
    'unsupported_transfer_encoding',
    'transfer-encoding',
  ],
  [
    'Transfer-Encoding: xchunked',
    `${start}${json}transfer-encoding: xchunked\r\n\r\n`,
    501,
    'unsupported_transfer_encoding',
    'transfer-encoding',
  ],
]
