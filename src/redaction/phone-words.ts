/** How many words away the one may be that says what the number is: `Phone no. is 12345678`. */
const reach = 3

/** What the words before a number, the nearest first, call it: `true` a telephone number, `false` something else. */
export function isCalledPhone(words: readonly string[]): boolean | undefined {
  for (const word of words.slice(0, reach)) {
    if (phoneWords.has(word) || phoneSigns.test(word)) return true
    if (otherWords.has(word)) return false
  }
  return undefined
}

const phoneWords: ReadonlySet<string> = new Set([
  ...['phone', 'phones', 'telephone', 'tel', 'cell', 'cellphone', 'mobile', 'mob', 'fax', 'call', 'dial', 'ring'],
  ...['sms', 'whatsapp', 'hotline', 'contact', 'landline', '☎'],
  ...['telefon', 'telefonnummer', 'rufnummer', 'handy', 'handynummer', 'mobil', 'telefax', 'anrufen'],
  ...['téléphone', 'tél', 'portable', 'appelez', 'teléfono', 'telefono', 'móvil', 'llame', 'celular', 'cellulare'],
  ...['telefone', 'ligue', 'telefoon', 'телефон', 'тел'],
])

/** In scripts without spaces a word is not set apart. */
const phoneSigns = /电话|電話|手机|手機|携帯|전화/

const otherWords: ReadonlySet<string> = new Set([
  ...['order', 'orders', 'invoice', 'isbn', 'issn', 'ean', 'upc', 'gtin', 'sku', 'part', 'parts', 'model', 'item'],
  ...['serial', 'ref', 'reference', 'id', 'ids', 'uuid', 'version', 'build', 'case', 'ticket', 'tracking', 'parcel'],
  ...['patent', 'account', 'acct', 'vat', 'imei', 'batch', 'lot', 'commit', 'hash', 'timestamp', 'pages', 'pp'],
  ...['bestellung', 'bestellnummer', 'auftrag', 'rechnung', 'artikel', 'commande', 'facture', 'pedido', 'factura'],
  ...['coordinates', 'lat', 'lon', 'doi', 'card', 'ssn', 'iban', 'zip'],
])
